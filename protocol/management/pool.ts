import * as z from 'zod';
import { anyCase } from '../batch/common.js';

const fixedScale = z.object({
  targetDedicatedNodes: z.unknown().optional(),
  targetLowPriorityNodes: z.unknown().optional(),
  resizeTimeout: z.unknown().optional(),
  nodeDeallocationOption: z.unknown().optional(),
});

/**
 * A pool in ARM's shape. Only its own structure is checked here: it is translated to the data plane's
 * shape (`toBatchPool`), whose schemas check the values.
 */
const ArmPoolProperties = z.object({
  displayName: z.unknown().optional(),
  vmSize: z.unknown().optional(),
  deploymentConfiguration: z
    .object({
      virtualMachineConfiguration: z
        .looseObject({
          imageReference: z.looseObject({}).optional(),
          nodeAgentSkuId: z.unknown().optional(),
        })
        .optional(),
      cloudServiceConfiguration: z.unknown().optional(),
    })
    .optional(),
  scaleSettings: z
    .object({
      fixedScale: fixedScale.optional(),
      autoScale: z
        .object({ formula: z.unknown().optional(), evaluationInterval: z.unknown().optional() })
        .optional(),
    })
    .optional(),
  interNodeCommunication: anyCase(['Enabled', 'Disabled']).optional(),
  networkConfiguration: z
    .looseObject({
      dynamicVnetAssignmentScope: z.unknown().optional(),
      endpointConfiguration: z.object({ inboundNatPools: z.unknown().optional() }).optional(),
    })
    .optional(),
  taskSlotsPerNode: z.unknown().optional(),
  taskSchedulingPolicy: z.unknown().optional(),
  userAccounts: z.unknown().optional(),
  metadata: z.unknown().optional(),
  startTask: z
    .looseObject({
      userIdentity: z.looseObject({ userName: z.unknown().optional() }).optional(),
    })
    .optional(),
  certificates: z.array(z.looseObject({ id: z.string() })).optional(),
  applicationPackages: z.array(z.looseObject({ id: z.string() })).optional(),
  applicationLicenses: z.unknown().optional(),
  mountConfiguration: z.unknown().optional(),
  targetNodeCommunicationMode: z.unknown().optional(),
});
export const ArmPool = z.object({ properties: ArmPoolProperties });
export type ArmPool = z.output<typeof ArmPool>;
