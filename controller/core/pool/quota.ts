import type { Recorder } from '../recorder.js';
import type { Pool } from './state.js';

const vcpusOf = (recorder: Recorder, pool: Pool) =>
  recorder.settings.vmSizes.find((size) => size.name === pool.specification.vmSize)?.vcpus ?? 1;

/** How many more nodes of the pool the account's core quota allows. */
export function coresLeft(
  recorder: Recorder,
  pool: Pool,
  isDedicated: boolean,
): { nodes: number; quota: number } {
  const quotas = recorder.state.accounts.get(pool.account)?.quotas;
  const quota = (isDedicated ? quotas?.dedicatedCores : quotas?.lowPriorityCores) ?? Infinity;
  if (quota === Infinity) return { nodes: Infinity, quota };
  let used = 0;
  for (const other of recorder.state.pools.values()) {
    if (other.account !== pool.account) continue;
    const vcpus = vcpusOf(recorder, other);
    for (const node of recorder.state.nodesOfPool.get(other.key) ?? [])
      if (node.isDedicated === isDedicated) used += vcpus;
  }
  return { nodes: Math.max(0, Math.floor((quota - used) / vcpusOf(recorder, pool))), quota };
}
