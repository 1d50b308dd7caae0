import { computeNodeEnableScheduling } from '../../controller/commands/compute-node/enable-scheduling.js';
import { computeNodeReboot } from '../../controller/commands/compute-node/reboot.js';
import { hypervisorSetMaintenance } from '../../controller/commands/hypervisor/set-maintenance.js';
import { jobScheduleTerminate } from '../../controller/commands/job-schedule/terminate.js';
import { jobEnable } from '../../controller/commands/job/enable.js';
import { poolAdd } from '../../controller/commands/pool/add.js';
import { poolDisableAutoScale } from '../../controller/commands/pool/disable-auto-scale.js';
import { poolResize } from '../../controller/commands/pool/resize.js';
import { PoolResize } from '../../protocol/batch/pool.js';
import { poolOf, type PoolKey } from '../../protocol/keys.js';
import { ACCOUNT, type Workload } from './workload.js';

const EVERY_MS = 15_000;

/**
 * What an operator does when the faults are over, again and again until nothing is left to do: enable
 * what is disabled, restart what is broken, give every pool nodes, end what would go on for ever.
 */
export function mend(workload: Workload, done: () => boolean): void {
  if (done()) return;
  for (const { key, maintenance } of workload.world.committed.tables.hypervisor.values())
    if (maintenance) workload.client.send(hypervisorSetMaintenance(key, false));
  mendPools(workload);
  mendNodes(workload);
  mendJobs(workload);
  workload.world.timeline.after(EVERY_MS, () => mend(workload, done));
}

function mendPools({ world, client, bodies }: Workload): void {
  const { tables } = world.committed;
  const missing = new Set<PoolKey>();
  for (const { pool, state } of tables.job.values())
    if (pool !== undefined && state === 'active' && !tables.pool.has(pool)) missing.add(pool);
  for (const key of missing)
    client.send(poolAdd({ account: ACCOUNT, body: bodies.pool(key.slice(key.indexOf('/') + 1)) }));
  for (const pool of tables.pool.values()) {
    if (pool.state !== 'active' || pool.allocationState !== 'steady') continue;
    if (pool.specification.enableAutoScale) {
      client.send(poolDisableAutoScale({ account: ACCOUNT, poolId: pool.id }));
      continue;
    }
    const nodes = [...tables.node.values()].filter((node) => node.pool === pool.key);
    const target = pool.targetDedicatedNodes + pool.targetLowPriorityNodes;
    if (target > 0 && nodes.length === target) continue;
    const body = PoolResize.parse({
      targetDedicatedNodes: Math.max(1, pool.targetDedicatedNodes),
      targetLowPriorityNodes: pool.targetLowPriorityNodes,
    });
    client.send(poolResize({ account: ACCOUNT, poolId: pool.id, body }));
  }
}

function mendNodes({ world, client }: Workload): void {
  const { tables } = world.committed;
  for (const node of tables.node.values()) {
    const pool = tables.pool.get(poolOf(node.key));
    if (pool === undefined || node.leaving !== undefined) continue;
    const path = { account: ACCOUNT, poolId: pool.id, nodeId: node.id };
    if (node.schedulingState === 'disabled') client.send(computeNodeEnableScheduling(path));
    if (node.state === 'unusable' || node.state === 'starttaskfailed')
      client.send(computeNodeReboot(path));
  }
}

function mendJobs({ world, client }: Workload): void {
  const { tables } = world.committed;
  for (const job of tables.job.values())
    if (job.state === 'disabled') client.send(jobEnable({ account: ACCOUNT, jobId: job.id }));
  for (const schedule of tables.jobSchedule.values())
    if (schedule.state === 'active' || schedule.state === 'disabled')
      client.send(jobScheduleTerminate({ account: ACCOUNT, jobScheduleId: schedule.id }));
}
