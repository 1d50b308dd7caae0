import type { PoolUpgradeImage } from '../../../protocol/batch/pool.js';
import type { NodeKey } from '../../../protocol/keys.js';
import { drain } from '../node/drain.js';
import type { Node } from '../node/state.js';
import type { Recorder } from '../recorder.js';
import type { Pool } from './state.js';

/** A fifth of the nodes at a time, as Azure's rolling upgrades. */
const PART_AT_A_TIME = 0.2;

/** The pool's image is another from now on: new nodes have it, those that it has get it in waves. */
export function beginImageUpgrade(recorder: Recorder, pool: Pool, body: PoolUpgradeImage): void {
  const configuration = pool.specification.virtualMachineConfiguration;
  if (configuration === undefined) return;
  const nodes = [...(recorder.state.nodesOfPool.get(pool.key) ?? [])];
  for (const node of nodes) {
    // What its disk was made of: a reboot goes on with it.
    node.imageReference ??= configuration.imageReference;
    recorder.changed('node', node);
  }
  pool.imageUpgrade = {
    nodes: Object.fromEntries(nodes.map(({ key, incarnation }) => [key, incarnation])),
    option: body.nodeReimageOption,
    maxParallelNodes:
      body.maxParallelNodes ?? Math.max(1, Math.ceil(nodes.length * PART_AT_A_TIME)),
  };
  pool.specification = {
    ...pool.specification,
    virtualMachineConfiguration: {
      ...configuration,
      imageReference: body.imageReference,
      nodeAgentSKUId: body.nodeAgentSKUId ?? configuration.nodeAgentSKUId,
    },
  };
  recorder.changed('pool', pool);
  recorder.state.toSettle.pools.add(pool.key);
}

/**
 * Reimages so many nodes at a time. One that does not come back to work keeps its place in the wave, so
 * that an image that does not boot takes no more nodes than one wave has. Idempotent.
 */
export function settleImageUpgrade(recorder: Recorder, pool: Pool): void {
  const { imageUpgrade } = pool;
  if (imageUpgrade === undefined) return;
  const { nodes, option, maxParallelNodes } = imageUpgrade;
  const left: Node[] = [];
  for (const [key, incarnation] of Object.entries(nodes)) {
    const node = recorder.state.nodes.get(key as NodeKey);
    if (node === undefined || isDone(node, incarnation)) delete nodes[key as NodeKey];
    else left.push(node);
    if (node === undefined || isDone(node, incarnation)) recorder.changed('pool', pool);
  }
  if (left.length === 0) {
    delete pool.imageUpgrade;
    recorder.changed('pool', pool);
    return;
  }
  const underWay = left.filter(
    (node) => node.state === 'reimaging' || node.incarnation > (nodes[node.key] ?? 0),
  );
  const next = left.filter((node) => !underWay.includes(node) && canReimage(node));
  for (const node of next.slice(0, Math.max(0, maxParallelNodes - underWay.length)))
    drain(recorder, node, option, 'reimage');
}

/** It works with the new image, or will get it when it is made again. */
const isDone = ({ leaving, state, incarnation }: Node, before: number): boolean =>
  leaving !== undefined ||
  state === 'preempted' ||
  (incarnation > before && (state === 'idle' || state === 'running' || state === 'offline'));

const canReimage = ({ state, draining }: Node): boolean =>
  draining === undefined &&
  (state === 'idle' ||
    state === 'running' ||
    state === 'offline' ||
    state === 'unusable' ||
    state === 'starttaskfailed');
