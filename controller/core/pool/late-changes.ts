/** What nodes take from their pool when they boot, and not before. */
import type { PoolAdd } from '../../../protocol/batch/pool.js';
import type { Node } from '../node/state.js';
import type { Recorder } from '../recorder.js';
import type { Pool } from './state.js';

const LATE = ['startTask', 'certificateReferences', 'applicationPackageReferences'] as const;
type Late = (typeof LATE)[number];

/** Grows with each change of something that nodes take late; 1 for a pool as it was added. */
export const poolVersion = ({ late }: Pick<Pool, 'late'>): number => late?.version ?? 1;

/** Notes what the change of a specification leaves to the next boot of nodes. Call it before the pool is touched. */
export function noteLateChanges(
  { state }: Recorder,
  pool: Pool,
  before: Pool['specification'],
): void {
  const changed = LATE.filter(
    (name) => JSON.stringify(pool.specification[name]) !== JSON.stringify(before[name]),
  );
  if (changed.length === 0) return;
  const version = poolVersion(pool) + 1;
  const since: Partial<Record<Late, number>> = { ...pool.late?.since };
  for (const name of changed) since[name] = version;
  const { certificateReferences = [] } = before;
  const left = changed.includes('certificateReferences')
    ? [{ until: version, certificateReferences }]
    : [];
  const nodes = [...(state.nodesOfPool.get(pool.key) ?? [])];
  // Of each time only what a node still has: there are never more than nodes, however often it changes.
  let from = 0;
  const past = [...(pool.late?.past ?? []), ...left].filter(({ until }) => {
    const first = from;
    from = until;
    return nodes.some(({ poolVersion: own = 1 }) => own >= first && own < until);
  });
  pool.late = { version, since, ...(past.length === 0 ? {} : { past }) };
}

/** What certificates a node has: those that its pool named when it was configured. */
export const certificatesOf = (
  { specification, late }: Pick<Pool, 'specification' | 'late'>,
  { poolVersion: own = 1 }: Pick<Node, 'poolVersion'>,
): NonNullable<PoolAdd['certificateReferences']> =>
  late?.past?.find(({ until }) => own < until)?.certificateReferences ??
  specification.certificateReferences ??
  [];
