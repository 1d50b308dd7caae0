import { isInMaintenance } from '../hypervisor/maintenance.js';
import { leavePool } from '../node/drain.js';
import type { Recorder } from '../recorder.js';
import type { Pool } from './state.js';
import { beginResize } from './transition.js';

/**
 * Nodes on a hypervisor in maintenance leave once their tasks have ended. The resize of a steady pool makes
 * others in their place where there is room, and says so where there is none.
 */
export function clearMaintained(recorder: Recorder, pool: Pool): void {
  const closed = new Set<string | undefined>(
    (recorder.settings.hypervisors ?? [])
      .filter((host) => isInMaintenance(recorder, host))
      .map(({ name }) => name),
  );
  if (closed.size === 0) return;
  const nodes = [...(recorder.state.nodesOfPool.get(pool.key) ?? [])].filter(
    (node) =>
      closed.has(node.hypervisor) && node.leaving === undefined && node.preempting === undefined,
  );
  if (nodes.length === 0) return;
  if (pool.allocationState === 'steady')
    beginResize(recorder, pool, pool.resize.timeoutMs, 'taskcompletion');
  for (const node of nodes) leavePool(recorder, node, 'taskcompletion');
}
