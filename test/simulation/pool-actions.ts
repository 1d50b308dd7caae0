import { computeNodeDisableScheduling } from '../../controller/commands/compute-node/disable-scheduling.js';
import { computeNodeEnableScheduling } from '../../controller/commands/compute-node/enable-scheduling.js';
import { computeNodeReboot } from '../../controller/commands/compute-node/reboot.js';
import { computeNodeReimage } from '../../controller/commands/compute-node/reimage.js';
import { hypervisorSetMaintenance } from '../../controller/commands/hypervisor/set-maintenance.js';
import { poolDelete } from '../../controller/commands/pool/delete.js';
import { poolDisableAutoScale } from '../../controller/commands/pool/disable-auto-scale.js';
import { poolEnableAutoScale } from '../../controller/commands/pool/enable-auto-scale.js';
import { poolPatch } from '../../controller/commands/pool/patch.js';
import { poolRemoveNodes } from '../../controller/commands/pool/remove-nodes.js';
import { poolResize } from '../../controller/commands/pool/resize.js';
import { poolStopResize } from '../../controller/commands/pool/stop-resize.js';
import { poolUpgradeImage } from '../../controller/commands/pool/upgrade-image.js';
import { NodeRemove } from '../../protocol/batch/node.js';
import {
  PoolEnableAutoScale,
  PoolPatch,
  PoolResize,
  PoolUpgradeImage,
} from '../../protocol/batch/pool.js';
import { poolOf } from '../../protocol/keys.js';
import type { Action } from './actions.js';
import { ACCOUNT, type Workload } from './workload.js';

const anyPool = ({ world, random }: Workload) =>
  random.pick([...world.committed.tables.pool.values()]);

function anyNode({ world, random }: Workload) {
  const node = random.pick([...world.committed.tables.node.values()]);
  const pool = node === undefined ? undefined : world.committed.tables.pool.get(poolOf(node.key));
  return node === undefined || pool === undefined
    ? undefined
    : { account: ACCOUNT, poolId: pool.id, nodeId: node.id };
}

const deallocation = ({ random }: Workload) =>
  random.pick(['requeue', 'terminate', 'taskcompletion', 'retaineddata'] as const);

function resize(workload: Workload): void {
  const pool = anyPool(workload);
  if (pool === undefined) return;
  const { random, client, world } = workload;
  const body = PoolResize.parse({
    targetDedicatedNodes: random.int(0, world.options.nodesMaximum),
    ...(random.chance(0.3)
      ? {
          targetLowPriorityNodes: random.int(
            0,
            world.options.features.lowPriority ? world.options.nodesMaximum : 2,
          ),
        }
      : {}),
    ...(random.chance(0.3) ? { resizeTimeout: 'PT5M' } : {}),
    nodeDeallocationOption: deallocation(workload),
  });
  client.send(poolResize({ account: ACCOUNT, poolId: pool.id, body }));
}

function stopResize(workload: Workload): void {
  const pool = anyPool(workload);
  if (pool?.allocationState !== 'resizing') return;
  workload.client.send(poolStopResize({ account: ACCOUNT, poolId: pool.id }));
}

function removeNode(workload: Workload): void {
  const node = anyNode(workload);
  if (node === undefined) return;
  const nodeDeallocationOption = deallocation(workload);
  const body = NodeRemove.parse({ nodeList: [node.nodeId], nodeDeallocationOption });
  workload.client.send(poolRemoveNodes({ account: ACCOUNT, poolId: node.poolId, body }));
}

/** Formulas that follow the tasks, that go up and down for no reason, that fail now and then, or always. */
function enableAutoScale(workload: Workload): void {
  const pool = anyPool(workload);
  if (pool === undefined) return;
  const { random, client, world } = workload;
  const most = world.options.nodesMaximum;
  const formula = random.pick([
    `$TargetDedicatedNodes = min(${most}, $PendingTasks.GetSample(1));`,
    `$TargetDedicatedNodes = min(${most}, 1 + avg($RunningTasks.GetSample(TimeInterval_Minute, 90)));`,
    `$TargetDedicatedNodes = rand() * ${most + 1}; $TargetLowPriorityNodes = rand() * 2;`,
    '$TargetDedicatedNodes = unknown;',
  ]);
  const body = PoolEnableAutoScale.parse({
    autoScaleFormula: `${formula} $NodeDeallocationOption = ${deallocation(workload)};`,
    autoScaleEvaluationInterval: random.pick(['PT5S', 'PT30S', 'PT2M']),
  });
  client.send(poolEnableAutoScale({ account: ACCOUNT, poolId: pool.id, body }));
}

function disableAutoScale(workload: Workload): void {
  const pool = anyPool(workload);
  if (pool?.specification.enableAutoScale !== true) return;
  workload.client.send(poolDisableAutoScale({ account: ACCOUNT, poolId: pool.id }));
}

function deletePool(workload: Workload): void {
  const pool = anyPool(workload);
  if (pool === undefined) return;
  workload.world.acknowledged.askedToDelete(pool.key);
  workload.client.send(poolDelete({ account: ACCOUNT, poolId: pool.id }));
}

function patchPool(workload: Workload): void {
  const pool = anyPool(workload);
  if (pool === undefined) return;
  const body = PoolPatch.parse({ metadata: [{ name: 'drawn', value: workload.random.hex(2) }] });
  workload.client.send(poolPatch({ account: ACCOUNT, poolId: pool.id, body }));
}

function upgradeImage(workload: Workload): void {
  const pool = anyPool(workload);
  const configuration = pool?.specification.virtualMachineConfiguration;
  if (pool === undefined || configuration === undefined) return;
  const body = PoolUpgradeImage.parse({
    imageReference: configuration.imageReference,
    nodeReimageOption: deallocation(workload),
    ...(workload.random.chance(0.5) ? { maxParallelNodes: workload.random.int(1, 3) } : {}),
  });
  workload.client.send(poolUpgradeImage({ account: ACCOUNT, poolId: pool.id, body }));
}

/** Drains a hypervisor, or lets it take nodes again. */
function maintain({ world, random, client }: Workload): void {
  const name = random.pick(Object.keys(world.options.hypervisorVcpus));
  if (name !== undefined) client.send(hypervisorSetMaintenance(name, random.chance(0.5)));
}

export const poolActions: Action[] = [
  { weight: 1.5, feature: 'resizes', act: resize },
  { weight: 0.5, feature: 'resizes', act: stopResize },
  { weight: 1, feature: 'nodeRemovals', act: removeNode },
  { weight: 0.7, feature: 'autoScale', act: enableAutoScale },
  { weight: 0.5, feature: 'autoScale', act: disableAutoScale },
  { weight: 0.2, feature: 'poolDeletions', act: deletePool },
  { weight: 0.25, feature: 'patches', act: patchPool },
  { weight: 0.3, feature: 'imageUpgrades', act: upgradeImage },
  { weight: 0.2, feature: 'maintenance', act: maintain },
];

function restart(workload: Workload): void {
  const node = anyNode(workload);
  if (node === undefined) return;
  const option = deallocation(workload);
  workload.client.send(
    workload.random.chance(0.5)
      ? computeNodeReboot({ ...node, body: { nodeRebootOption: option } })
      : computeNodeReimage({ ...node, body: { nodeReimageOption: option } }),
  );
}

function disableScheduling(workload: Workload): void {
  const node = anyNode(workload);
  if (node === undefined) return;
  const option = workload.random.pick(['requeue', 'terminate', 'taskcompletion']);
  workload.client.send(
    computeNodeDisableScheduling({ ...node, body: { nodeDisableSchedulingOption: option } }),
  );
}

function enableScheduling(workload: Workload): void {
  const node = anyNode(workload);
  if (node !== undefined) workload.client.send(computeNodeEnableScheduling(node));
}

export const nodeActions: Action[] = [
  { weight: 0.5, feature: 'nodeRestarts', act: restart },
  { weight: 0.5, feature: 'nodeScheduling', act: disableScheduling },
  { weight: 1, feature: 'nodeScheduling', act: enableScheduling },
];
