import { accountOf, userMetadata } from '../account-of.js';
import { armId } from '../arm-id.js';
import { about } from '../failure.js';
import { given, listOf, objectOf, type Properties } from '../json.js';
import { ACCOUNT_SHAPE, type LookUp } from './look-up.js';

const ofPool = (args: Properties) =>
  `Pool ${String(args.poolName)} (account ${String(args.accountName)})`;

export const getPool: LookUp = {
  shape: { ...ACCOUNT_SHAPE, poolName: 'text' },
  required: ['accountName', 'poolName'],
  read: (args, ports) =>
    about(ofPool(args), async () => {
      const account = accountOf(args);
      const poolName = String(args.poolName);
      const found = await ports.data(account).pool.get(poolName);
      const machine = objectOf(found.virtualMachineConfiguration);
      return given({
        id: armId(account, 'pools', poolName),
        ...account,
        poolName,
        displayName: found.displayName,
        vmSize: found.vmSize,
        nodeAgentSkuId: machine.nodeAgentSKUId,
        provisioningState: found.state === 'deleting' ? 'Deleting' : 'Succeeded',
        allocationState: found.allocationState,
        currentDedicatedNodes: found.currentDedicatedNodes ?? 0,
        currentLowPriorityNodes: found.currentLowPriorityNodes ?? 0,
        targetDedicatedNodes: found.targetDedicatedNodes ?? 0,
        targetLowPriorityNodes: found.targetLowPriorityNodes ?? 0,
        enableAutoScale: found.enableAutoScale ?? false,
        autoScaleFormula: found.autoScaleFormula,
        taskSlotsPerNode: found.taskSlotsPerNode ?? 1,
        resizeErrors: listOf(found.resizeErrors)
          .map(objectOf)
          .map(({ code, message }) => `${String(code)}: ${String(message)}`),
        metadata: userMetadata(found.metadata),
        creationTime: found.creationTime,
      });
    }),
};

export const listComputeNodes: LookUp = {
  shape: { ...ACCOUNT_SHAPE, poolName: 'text' },
  required: ['accountName', 'poolName'],
  read: (args, ports) =>
    about(ofPool(args), async () => {
      const nodes = await ports.data(accountOf(args)).pool.nodes(String(args.poolName));
      return {
        nodes: nodes.map((node) =>
          given({
            id: node.id,
            state: node.state,
            ipAddress: node.ipAddress,
            vmSize: node.vmSize,
            isDedicated: node.isDedicated,
            runningTasksCount: node.runningTasksCount,
          }),
        ),
      };
    }),
};

export const getRemoteLoginSettings: LookUp = {
  shape: { ...ACCOUNT_SHAPE, poolName: 'text', nodeId: 'text' },
  required: ['accountName', 'poolName', 'nodeId'],
  read: (args, ports) =>
    about(`Node ${String(args.nodeId)} of pool ${String(args.poolName)}`, async () => {
      const { pool } = ports.data(accountOf(args));
      const found = await pool.remoteLoginSettings(String(args.poolName), String(args.nodeId));
      return {
        remoteLoginIPAddress: found.remoteLoginIPAddress,
        remoteLoginPort: found.remoteLoginPort,
      };
    }),
};

export const listSupportedImages: LookUp = {
  shape: { ...ACCOUNT_SHAPE, filter: 'text' },
  required: ['accountName'],
  read: (args, ports) =>
    about(`Images of account ${String(args.accountName)}`, async () => {
      const filter = typeof args.filter === 'string' ? args.filter : undefined;
      const images = await ports.data(accountOf(args)).images(filter);
      return {
        images: images.map(({ nodeAgentSKUId, imageReference, ...image }) =>
          given({
            nodeAgentSkuId: nodeAgentSKUId,
            imageReference: given(objectOf(imageReference)),
            osType: image.osType,
            verificationType: image.verificationType,
            capabilities: listOf(image.capabilities),
          }),
        ),
      };
    }),
};
