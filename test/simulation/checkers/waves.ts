import type { Pool } from '../../../controller/core/pool/state.js';
import type { NodeKey } from '../../../protocol/keys.js';
import { check } from '../failure.js';
import type { Checker } from '../observers.js';

const NAME = 'waves';

/** An upgrade of a pool's image takes no more nodes at a time than it was told. */
export function wavesChecker(): Checker {
  return {
    name: NAME,
    committed({ changes }, { committed, options }) {
      // Clients that reimage nodes themselves are in no wave.
      if (options.features.nodeRestarts) return;
      for (const { kind, key, before, after } of changes) {
        if (kind !== 'node' || after?.draining?.then !== 'reimage') continue;
        if (before?.draining?.then === 'reimage') continue;
        const pool = committed.tables.pool.get(after.pool);
        const upgrade = pool?.imageUpgrade;
        if (pool === undefined || upgrade === undefined) continue;
        const going = inWave(pool, committed.tables.node);
        check(
          going <= upgrade.maxParallelNodes,
          NAME,
          () => `${key} is taken with ${going - 1} others, allowed ${upgrade.maxParallelNodes}`,
        );
      }
    },
  };
}

const inWave = (
  { imageUpgrade }: Pool,
  nodes: ReadonlyMap<NodeKey, { state: string; draining?: { then: string } }>,
): number =>
  Object.keys(imageUpgrade?.nodes ?? {}).filter((key) => {
    const node = nodes.get(key as NodeKey);
    return node?.state === 'reimaging' || node?.draining?.then === 'reimage';
  }).length;
