/** What nodes take from their pool when they boot, and not before. */
import type { Pool } from './state.js';

const LATE = ['startTask', 'certificateReferences', 'applicationPackageReferences'] as const;
type Late = (typeof LATE)[number];

/** Grows with each change of something that nodes take late; 1 for a pool as it was added. */
export const poolVersion = ({ late }: Pick<Pool, 'late'>): number => late?.version ?? 1;

/** Notes what the change of a specification leaves to the next boot of nodes. Call it before the pool is touched. */
export function noteLateChanges(pool: Pool, before: Pool['specification']): void {
  const changed = LATE.filter(
    (name) => JSON.stringify(pool.specification[name]) !== JSON.stringify(before[name]),
  );
  if (changed.length === 0) return;
  const version = poolVersion(pool) + 1;
  const since: Partial<Record<Late, number>> = { ...pool.late?.since };
  for (const name of changed) since[name] = version;
  pool.late = { version, since };
}
