import type { PoolAdd } from '../../../protocol/batch/pool.js';
import { drain } from '../node/drain.js';
import type { Node } from '../node/state.js';
import type { Recorder } from '../recorder.js';
import type { ImageName, Settings } from '../settings.js';
import type { Pool } from './state.js';

/** What the nodes of a pool with cloudServiceConfiguration run; undefined: nothing is configured for its family. */
export function cloudServiceImage(
  { cloudServiceImages = {} }: Settings,
  { cloudServiceConfiguration }: PoolAdd,
): ImageName | undefined {
  if (cloudServiceConfiguration === undefined) return undefined;
  const { osFamily } = cloudServiceConfiguration;
  const family = Object.hasOwn(cloudServiceImages, osFamily) ? osFamily : '*';
  return Object.hasOwn(cloudServiceImages, family) ? cloudServiceImages[family] : undefined;
}

/** The pool's OS version is another from now on: each node that it has boots anew. */
export function beginUpgrade(recorder: Recorder, pool: Pool, osVersion: string): void {
  const configuration = pool.specification.cloudServiceConfiguration;
  if (configuration === undefined) return;
  const nodes = [...(recorder.state.nodesOfPool.get(pool.key) ?? [])];
  pool.upgrade = {
    from: configuration.osVersion,
    nodes: Object.fromEntries(nodes.map(({ key, incarnation }) => [key, incarnation])),
  };
  pool.specification = {
    ...pool.specification,
    cloudServiceConfiguration: { ...configuration, osVersion },
  };
  pool.stateTransitionTime = recorder.now;
  recorder.changed('pool', pool);
  recorder.state.toSettle.pools.add(pool.key);
}

const canRestart = ({ state, draining, leaving }: Node) =>
  (state === 'idle' ||
    state === 'running' ||
    state === 'unusable' ||
    state === 'starttaskfailed') &&
  draining === undefined &&
  leaving === undefined;

/** Half of the nodes at a time boot anew, their tasks requeued, until none is left. Idempotent. */
export function settleUpgrade(recorder: Recorder, pool: Pool): void {
  const { upgrade } = pool;
  if (upgrade === undefined) return;
  const present = new Map(
    [...(recorder.state.nodesOfPool.get(pool.key) ?? [])].map((node) => [node.key, node]),
  );
  const waiting = Object.entries(upgrade.nodes).flatMap(([key, incarnation]) => {
    const node = present.get(key as Node['key']);
    const isDone =
      node === undefined ||
      node.leaving !== undefined ||
      (node.incarnation > incarnation && node.state !== 'reimaging');
    return isDone ? [] : [node];
  });
  if (waiting.length < Object.keys(upgrade.nodes).length) {
    upgrade.nodes = Object.fromEntries(waiting.map(({ key }) => [key, upgrade.nodes[key] ?? 0]));
    recorder.changed('pool', pool);
  }
  if (waiting.length === 0) {
    delete pool.upgrade;
    pool.stateTransitionTime = recorder.now;
    recorder.changed('pool', pool);
    return;
  }
  const underWay = waiting.filter(({ state }) => state === 'reimaging').length;
  const room = Math.max(1, Math.floor(present.size / 2)) - underWay;
  for (const node of waiting.filter(canRestart).slice(0, Math.max(0, room)))
    drain(recorder, node, 'requeue', 'reimage');
}
