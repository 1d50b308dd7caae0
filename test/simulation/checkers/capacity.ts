import type { Pool } from '../../../controller/core/pool/state.js';
import { poolOf, type NodeKey } from '../../../protocol/keys.js';
import type { Commit } from '../committed.js';
import { check } from '../failure.js';
import type { Checker, Sight } from '../observers.js';

const NAME = 'capacity';

/**
 * No hypervisor ever has more than it can hold, in the rows or in fact, and no dedicated node is refused
 * for want of room that low-priority nodes have.
 */
export function capacityChecker(): Checker {
  return {
    name: NAME,
    committed(commit, sight) {
      if (Object.keys(sight.options.hypervisorVcpus).length === 0) return;
      if (!commit.changes.some(({ kind }) => kind === 'node' || kind === 'pool')) return;
      checkRows(sight);
      checkPlaces(sight);
      checkRefusals(commit, sight);
    },
  };
}

const vcpusOf = (node: NodeKey, { committed, options }: Sight): number => {
  const size = committed.tables.pool.get(poolOf(node))?.specification.vmSize;
  return options.settings.vmSizes.find(({ name }) => name === size)?.vcpus ?? 0;
};

function checkRows(sight: Sight): void {
  const used = new Map<string, number>();
  for (const { key, hypervisor } of sight.committed.tables.node.values())
    if (hypervisor !== undefined)
      used.set(hypervisor, (used.get(hypervisor) ?? 0) + vcpusOf(key, sight));
  compare(used, sight, 'is booked for');
}

function checkPlaces(sight: Sight): void {
  const used = new Map<string, number>();
  for (const { nodeKey, hypervisor } of sight.hypervisor.places) {
    // What a failed create left behind is found and removed by the next look.
    if (hypervisor === undefined || !sight.committed.tables.node.has(nodeKey)) continue;
    used.set(hypervisor, (used.get(hypervisor) ?? 0) + vcpusOf(nodeKey, sight));
  }
  compare(used, sight, 'holds nodes of');
}

function compare(used: ReadonlyMap<string, number>, sight: Sight, what: string): void {
  for (const [name, vcpus] of used) {
    const most = sight.hypervisor.vcpusOf(name);
    check(vcpus <= most, NAME, () => `hypervisor ${name} ${what} ${vcpus} vCPUs of ${most}`);
  }
}

function checkRefusals({ changes }: Commit, sight: Sight): void {
  for (const { kind, before, after } of changes) {
    if (kind !== 'pool' || after === undefined) continue;
    if (!isRefused(after) || (before !== undefined && isRefused(before))) continue;
    const { nodes, low } = nodesOf(after, sight);
    check(
      nodes >= after.targetDedicatedNodes || low === undefined,
      NAME,
      () =>
        `${after.key} has ${nodes} dedicated nodes of ${after.targetDedicatedNodes}, and low-priority node ${low ?? ''} has room`,
    );
  }
}

const isRefused = ({ resizeErrors }: Pool) =>
  resizeErrors.some(({ values }) => values[0]?.value.startsWith('No hypervisor has room') === true);

/** Dedicated nodes that the pool has, and a low-priority node that would have made room for one more. */
function nodesOf(pool: Pool, sight: Sight): { nodes: number; low?: NodeKey } {
  const all = [...sight.committed.tables.node.values()];
  const own = all.filter((node) => node.pool === pool.key && node.leaving === undefined);
  const size = pool.specification.vmSize;
  const low = all.find(
    (node) =>
      !node.isDedicated &&
      node.hypervisor !== undefined &&
      node.leaving === undefined &&
      node.preempting === undefined &&
      // The controller has had the time to hear of it.
      sight.hypervisor.answers(node.hypervisor, 60_000) &&
      sight.committed.tables.pool.get(node.pool)?.specification.vmSize === size,
  );
  const nodes = own.filter(({ isDedicated }) => isDedicated).length;
  return { nodes, ...(low === undefined ? {} : { low: low.key }) };
}
