import type { Pool } from '../../../controller/core/pool/state.js';
import { poolOf, type NodeKey } from '../../../protocol/keys.js';
import type { Commit } from '../committed.js';
import { check } from '../failure.js';
import { HANG_MAX_MS } from '../hypervisor.js';
import type { Checker, Sight } from '../observers.js';

const NAME = 'capacity';
/**
 * What nobody wants any more is found and removed within some sweeps, a few of which may fail; the simulated
 * executor sweeps a pool again when all it does for it is done, and so not while a create hangs.
 */
const LEFT_OVER_MS = 5 * 60_000 + HANG_MAX_MS;

/**
 * No hypervisor ever has more than it can hold, in the rows or in fact, and no dedicated node is refused
 * for want of room that low-priority nodes have.
 */
export function capacityChecker(): Checker {
  /** Since when a hypervisor that answers has had too much because of what is left over. */
  const overfull = new Map<string, number>();
  return {
    name: NAME,
    committed(commit, sight) {
      if (Object.keys(sight.options.hypervisorVcpus).length === 0) return;
      if (!commit.changes.some(({ kind }) => kind === 'node' || kind === 'pool')) return;
      checkRows(sight);
      checkPlaces(overfull, sight);
      checkRefusals(commit, sight);
      checkMaintenance(commit, sight);
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

/**
 * A create that a dead controller had asked for may come true after its node has gone or given up its
 * room: what is there beyond the rows takes room only until it is found.
 */
function checkPlaces(overfull: Map<string, number>, sight: Sight): void {
  const { now, hypervisor: hypervisors } = sight;
  const used = new Map<string, number>();
  for (const { nodeKey, hypervisor } of hypervisors.places)
    if (hypervisor !== undefined)
      used.set(hypervisor, (used.get(hypervisor) ?? 0) + vcpusOf(nodeKey, sight));
  for (const [name, vcpus] of used) {
    if (vcpus <= hypervisors.vcpusOf(name) || !hypervisors.answers(name)) overfull.delete(name);
    else if (!overfull.has(name)) overfull.set(name, now);
    const since = overfull.get(name) ?? now;
    check(
      now - since < LEFT_OVER_MS,
      NAME,
      () => `hypervisor ${name} holds nodes of ${vcpus} vCPUs since ${now - since} ms`,
    );
  }
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

/** A hypervisor that is drained gets no node. */
function checkMaintenance({ changes }: Commit, { committed }: Sight): void {
  const drained = new Set<string | undefined>();
  for (const { key, maintenance } of committed.tables.hypervisor.values())
    if (maintenance) drained.add(key);
  // What was switched in this very commit had been placed before.
  for (const { kind, key } of changes) if (kind === 'hypervisor') drained.delete(key);
  for (const { kind, key, before, after } of changes)
    if (kind === 'node' && after !== undefined && before?.hypervisor !== after.hypervisor)
      check(
        !drained.has(after.hypervisor),
        NAME,
        () => `${key} is placed on ${after.hypervisor ?? ''}, which is in maintenance`,
      );
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
