import type { Node } from '../../core/node/state.js';
import type { Pool } from '../../core/pool/state.js';

/** What the node has not taken from its pool yet: most wait for its next boot, an image for a fresh disk. */
export function pendingChanges(
  { poolVersion = 1, imageReference }: Pick<Node, 'poolVersion' | 'imageReference'>,
  { late }: Pick<Pool, 'late'>,
): string[] {
  const waiting = Object.entries(late?.since ?? {})
    .filter(([, since]) => since > poolVersion)
    .map(([name]) => name)
    .sort();
  return imageReference === undefined ? waiting : [...waiting, 'imageReference'];
}
