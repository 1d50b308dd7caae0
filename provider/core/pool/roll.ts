import { isCode } from '../failure.js';
import { objectOf, textOf, type Properties } from '../json.js';
import type { DataPlane, Ports } from '../ports.js';
import { timeoutMs, waitUntil } from '../wait.js';

const DEFAULT_AT_ONCE = 1;
const BROKEN = ['starttaskfailed', 'unusable'];

export const atOnce = (inputs: Properties): number =>
  Number(objectOf(inputs.rollNodes).atOnce ?? DEFAULT_AT_ONCE);

/**
 * Reboots the nodes of a pool, `rollNodes.atOnce` at a time, each until it is idle or running again.
 * @throws Error with the first node that did not come back: the nodes after it are left as they are
 */
export async function rollNodes(
  ports: Ports,
  data: DataPlane,
  poolId: string,
  inputs: Properties,
): Promise<void> {
  const option = textOf(objectOf(inputs.rollNodes).nodeRebootOption) ?? 'TaskCompletion';
  const deadline = ports.now() + timeoutMs(inputs, 'update');
  const nodes = await data.pool.nodes(poolId);
  const size = atOnce(inputs);
  for (let from = 0; from < nodes.length; from += size) {
    const batch = nodes.slice(from, from + size);
    const rebooted = await Promise.all(
      batch.map((node) => reboot(data, poolId, node, option.toLowerCase())),
    );
    const what = `pool ${poolId}: nodes are rebooted, ${from} of ${nodes.length} are done`;
    await waitUntil(ports, what, deadline - ports.now(), async () => {
      const now = await data.pool.nodes(poolId);
      return standing(
        poolId,
        batch.filter((_, at) => rebooted[at]),
        now,
      );
    });
  }
}

/** False: the node is gone, or on its way out. One that is being rebooted by somebody else is waited for. */
async function reboot(
  data: DataPlane,
  poolId: string,
  node: Properties,
  option: string,
): Promise<boolean> {
  if (['leavingpool', 'preempted', 'offline', 'unknown'].includes(String(node.state))) return false;
  try {
    await data.pool.rebootNode(poolId, String(node.id), option);
    return true;
  } catch (error) {
    if (isCode(error, 'NodeBeingRebooted', 'NodeBeingReimaged', 'NodeBeingStarted')) return true;
    if (isCode(error, 'NodeNotFound')) return false;
    throw error;
  }
}

function standing(
  poolId: string,
  batch: Properties[],
  now: Properties[],
): { done: true } | { seen: string } {
  const waiting: string[] = [];
  for (const { id, lastBootTime } of batch) {
    const node = now.find((one) => one.id === id);
    if (node === undefined) continue;
    const state = String(node.state);
    const booted = node.lastBootTime !== lastBootTime;
    if (booted && BROKEN.includes(state))
      throw new Error(
        `node ${String(id)} of pool ${poolId} is ${state} after its reboot; nodes that were not rebooted yet keep what they had`,
      );
    if (!booted || !['idle', 'running'].includes(state)) waiting.push(`${String(id)} ${state}`);
  }
  return waiting.length === 0 ? { done: true } : { seen: waiting.join(', ') };
}
