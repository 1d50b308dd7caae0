import { PoolAdd } from '../../../protocol/batch/pool.js';
import { userMetadata } from '../account-of.js';
import {
  given,
  holdsUnknown,
  isObject,
  listOf,
  objectOf,
  textOf,
  type Properties,
} from '../json.js';
import { programToWire } from '../program.js';
import { CHILD_SHAPE, type WireKind } from '../wire-kind.js';

/** Inputs are named as in Azure's resource manager; this is where they become the data plane's. */
function toWire(inputs: Properties): Properties {
  return given({
    id: inputs.poolName,
    displayName: inputs.displayName,
    vmSize: inputs.vmSize,
    virtualMachineConfiguration: machine(inputs.deploymentConfiguration),
    ...scaleToWire(inputs.scaleSettings),
    enableInterNodeCommunication: yes(inputs.interNodeCommunication),
    startTask: programToWire(inputs.startTask),
    certificateReferences: certificates(inputs.certificates),
    taskSlotsPerNode: inputs.taskSlotsPerNode,
    taskSchedulingPolicy: inputs.taskSchedulingPolicy,
    metadata: inputs.metadata === undefined ? undefined : userMetadata(inputs.metadata),
  });
}

function machine(deployment: unknown): unknown {
  const machine = objectOf(deployment).virtualMachineConfiguration;
  if (!isObject(machine)) return machine ?? (holdsUnknown(deployment) ? deployment : undefined);
  const { imageReference, nodeAgentSkuId, ...rest } = machine;
  const { id, ...image } = objectOf(imageReference);
  return given({
    ...rest,
    imageReference: isObject(imageReference)
      ? given({ ...image, virtualMachineImageId: id })
      : imageReference,
    nodeAgentSKUId: nodeAgentSkuId,
  });
}

function scaleToWire(settings: unknown): Properties {
  const { fixedScale, autoScale } = objectOf(settings);
  if (autoScale !== undefined) {
    const { formula, evaluationInterval } = objectOf(autoScale);
    return given({
      enableAutoScale: true,
      autoScaleFormula: formula,
      autoScaleEvaluationInterval: evaluationInterval,
    });
  }
  const { targetDedicatedNodes, targetLowPriorityNodes, resizeTimeout } = objectOf(fixedScale);
  return given({ targetDedicatedNodes, targetLowPriorityNodes, resizeTimeout });
}

const yes = (value: unknown) =>
  value === undefined || holdsUnknown(value) ? value : String(value).toLowerCase() === 'enabled';

/** A reference by thumbprint, or by the id of a Certificate (`…/certificates/sha1-THUMBPRINT`). */
function certificates(references: unknown): unknown {
  if (!Array.isArray(references)) return references;
  return references.map((reference) => {
    const { id, thumbprint, thumbprintAlgorithm, ...rest } = objectOf(reference);
    const name = textOf(id)?.split('/').at(-1) ?? '';
    const dash = name.indexOf('-');
    const fromId = holdsUnknown(id)
      ? { thumbprint: id, thumbprintAlgorithm: id }
      : dash > 0
        ? { thumbprint: name.slice(dash + 1), thumbprintAlgorithm: name.slice(0, dash) }
        : {};
    return given({
      thumbprintAlgorithm: thumbprintAlgorithm ?? fromId.thumbprintAlgorithm ?? 'sha1',
      thumbprint: thumbprint ?? fromId.thumbprint,
      ...rest,
    });
  });
}

const INPUT_PATHS: Readonly<Record<string, string[]>> = {
  id: ['poolName'],
  virtualMachineConfiguration: ['deploymentConfiguration', 'virtualMachineConfiguration'],
  targetDedicatedNodes: ['scaleSettings', 'fixedScale', 'targetDedicatedNodes'],
  targetLowPriorityNodes: ['scaleSettings', 'fixedScale', 'targetLowPriorityNodes'],
  resizeTimeout: ['scaleSettings', 'fixedScale', 'resizeTimeout'],
  enableAutoScale: ['scaleSettings', 'autoScale'],
  autoScaleFormula: ['scaleSettings', 'autoScale', 'formula'],
  autoScaleEvaluationInterval: ['scaleSettings', 'autoScale', 'evaluationInterval'],
  enableInterNodeCommunication: ['interNodeCommunication'],
  certificateReferences: ['certificates'],
};
const INNER_NAMES: Readonly<Record<string, string>> = {
  nodeAgentSKUId: 'nodeAgentSkuId',
  virtualMachineImageId: 'id',
  username: 'userName',
};

export const SCALE = [
  'targetDedicatedNodes',
  'targetLowPriorityNodes',
  'resizeTimeout',
  'enableAutoScale',
  'autoScaleFormula',
  'autoScaleEvaluationInterval',
] as const;
export const PATCHABLE = ['startTask', 'certificateReferences', 'metadata'] as const;

export const poolWire: WireKind = {
  shape: {
    ...CHILD_SHAPE,
    poolName: 'text',
    displayName: 'text',
    vmSize: 'text',
    deploymentConfiguration: 'object',
    scaleSettings: 'object',
    interNodeCommunication: 'text',
    startTask: 'object',
    certificates: 'list',
    taskSlotsPerNode: 'whole',
    taskSchedulingPolicy: 'object',
    metadata: 'list',
    waitFor: 'text',
    stopPendingResize: 'yes or no',
  },
  required: ['accountName', 'poolName', 'vmSize', 'deploymentConfiguration'],
  idInput: 'poolName',
  schema: PoolAdd,
  toWire,
  toInput: ([first = '', ...rest]) => [
    ...(INPUT_PATHS[first] ?? [first]),
    ...rest.map((part) => INNER_NAMES[part] ?? part),
  ],
  rules: Object.fromEntries([...SCALE, ...PATCHABLE].map((name) => [name, 'update' as const])),
};

/** Why a pool's scale settings can't be, beyond what the service's schema says. */
export function scaleFailures(inputs: Properties): { property: string; reason: string }[] {
  const settings = objectOf(inputs.scaleSettings);
  const failures: { property: string; reason: string }[] = [];
  if (settings.fixedScale !== undefined && settings.autoScale !== undefined)
    failures.push({
      property: 'scaleSettings',
      reason: 'fixedScale and autoScale exclude each other',
    });
  const option = objectOf(settings.fixedScale).nodeDeallocationOption;
  const options = ['Requeue', 'Terminate', 'TaskCompletion', 'RetainedData'];
  if (
    option !== undefined &&
    !holdsUnknown(option) &&
    !options.some((known) => known.toLowerCase() === String(option).toLowerCase())
  )
    failures.push({
      property: 'scaleSettings',
      reason: `scaleSettings.fixedScale.nodeDeallocationOption: must be one of ${options.join(', ')}`,
    });
  const waits = ['accepted', 'steady', 'nodesIdle'];
  if (
    inputs.waitFor !== undefined &&
    !holdsUnknown(inputs.waitFor) &&
    !waits.includes(String(inputs.waitFor))
  )
    failures.push({ property: 'waitFor', reason: `must be one of ${waits.join(', ')}` });
  const mode = inputs.interNodeCommunication;
  if (
    mode !== undefined &&
    !holdsUnknown(mode) &&
    !['enabled', 'disabled'].includes(String(mode).toLowerCase())
  )
    failures.push({ property: 'interNodeCommunication', reason: 'must be Enabled or Disabled' });
  for (const [at, reference] of listOf(inputs.certificates).entries())
    if (objectOf(reference).id === undefined && objectOf(reference).thumbprint === undefined)
      failures.push({
        property: 'certificates',
        reason: `certificates[${at}]: needs id or thumbprint`,
      });
  return failures;
}
