import { DEFAULTS } from '../../../protocol/batch/limits.js';
import { isCode } from '../failure.js';
import { given, listOf, objectOf, textOf, type Properties } from '../json.js';
import type { DataPlane, Ports } from '../ports.js';
import { waitUntil } from '../wait.js';

export class AllocationFailed extends Error {}

const nodes = (pool: Properties) =>
  `allocationState ${String(pool.allocationState)}, ${String(pool.currentDedicatedNodes ?? 0)} of ${String(pool.targetDedicatedNodes ?? 0)} dedicated and ${String(pool.currentLowPriorityNodes ?? 0)} of ${String(pool.targetLowPriorityNodes ?? 0)} low-priority nodes`;

/** Waits until no resize is under way, and returns the pool. */
async function waitSteady(
  ports: Ports,
  data: DataPlane,
  poolId: string,
  limitMs: number,
): Promise<Properties> {
  return waitUntil(ports, `pool ${poolId} is being sized`, limitMs, async () => {
    const pool = await data.pool.get(poolId);
    return pool.allocationState === 'steady' ? { done: pool } : { seen: nodes(pool) };
  });
}

/** Fails for the errors of the resize that has just ended; an autoscaled pool keeps trying by itself. */
function refuseResizeErrors(pool: Properties): void {
  const errors = listOf(pool.resizeErrors).map(objectOf);
  if (pool.enableAutoScale === true || errors.length === 0) return;
  const reasons = errors.map((error) => {
    const values = listOf(error.values)
      .map(objectOf)
      .map((item) => `${String(item.name)}: ${String(item.value)}`);
    return [`${String(error.code)}: ${String(error.message)}`, ...values].join(', ');
  });
  throw new AllocationFailed(
    `the nodes were not all allocated (${nodes(pool)}): ${reasons.join('; ')}`,
  );
}

/** As far as `waitFor` says: accepted, steady (default), nodesIdle. */
export async function waitForNodes(
  ports: Ports,
  data: DataPlane,
  poolId: string,
  waitFor: string,
  limitMs: number,
): Promise<void> {
  if (waitFor === 'accepted') return;
  refuseResizeErrors(await waitSteady(ports, data, poolId, limitMs));
  if (waitFor !== 'nodesIdle') return;
  await waitUntil(ports, `the nodes of pool ${poolId} are starting`, limitMs, async () => {
    const states = (await data.pool.nodes(poolId)).map((node) => ({
      id: node.id,
      state: String(node.state),
    }));
    const broken = states.find(({ state }) => ['starttaskfailed', 'unusable'].includes(state));
    if (broken)
      throw new AllocationFailed(`node ${String(broken.id)} of pool ${poolId} is ${broken.state}`);
    const waiting = states.filter(({ state }) => !['idle', 'running'].includes(state));
    return waiting.length === 0
      ? { done: undefined }
      : { seen: waiting.map(({ state }) => state).join(', ') };
  });
}

/** Brings the pool from one way of scaling, or one size, to another. `wanted` is a wire body. */
export async function rescale(
  ports: Ports,
  data: DataPlane,
  poolId: string,
  wanted: Properties,
  inputs: Properties,
  limitMs: number,
): Promise<void> {
  let pool = await data.pool.get(poolId);
  if (pool.allocationState !== 'steady') {
    if (inputs.stopPendingResize === true && pool.allocationState === 'resizing')
      await stop(data, poolId);
    pool = await waitSteady(ports, data, poolId, limitMs);
  }
  if (wanted.enableAutoScale === true) {
    await enable(ports, data, poolId, wanted, limitMs);
    return;
  }
  if (pool.enableAutoScale === true) {
    await data.pool.disableAutoScale(poolId);
    pool = await waitSteady(ports, data, poolId, limitMs);
  }
  const targetDedicatedNodes = Number(wanted.targetDedicatedNodes ?? 0);
  const targetLowPriorityNodes = Number(wanted.targetLowPriorityNodes ?? 0);
  const reached =
    pool.targetDedicatedNodes === targetDedicatedNodes &&
    pool.targetLowPriorityNodes === targetLowPriorityNodes &&
    pool.currentDedicatedNodes === targetDedicatedNodes &&
    pool.currentLowPriorityNodes === targetLowPriorityNodes;
  if (reached) return;
  const option = textOf(objectOf(objectOf(inputs.scaleSettings).fixedScale).nodeDeallocationOption);
  const body = given({
    targetDedicatedNodes,
    targetLowPriorityNodes,
    resizeTimeout: wanted.resizeTimeout,
    nodeDeallocationOption: option?.toLowerCase(),
  });
  await resize(ports, data, poolId, body, limitMs);
}

/** The service takes one change of a formula in 30 seconds, and none while the pool is being sized. */
async function enable(
  ports: Ports,
  data: DataPlane,
  poolId: string,
  wanted: Properties,
  limitMs: number,
): Promise<void> {
  const { autoScaleFormula, autoScaleEvaluationInterval } = wanted;
  // The default is given as well: what is left out stays as it was.
  const body = {
    autoScaleFormula,
    autoScaleEvaluationInterval:
      autoScaleEvaluationInterval ?? DEFAULTS.autoScaleEvaluationInterval,
  };
  await waitUntil(ports, `pool ${poolId} takes its formula`, limitMs, async () => {
    try {
      await data.pool.enableAutoScale(poolId, body);
      return { done: undefined };
    } catch (error) {
      if (isCode(error, 'TooManyEnableAutoScaleRequests'))
        return { seen: 'it took another one less than 30 s ago' };
      if (isCode(error, 'PoolBeingResized')) return { seen: 'it is being sized' };
      throw error;
    }
  });
}

/** Somebody else's resize (or our own, whose answer was lost) is waited for once. */
async function resize(
  ports: Ports,
  data: DataPlane,
  poolId: string,
  body: Properties,
  limitMs: number,
): Promise<void> {
  try {
    await data.pool.resize(poolId, body);
  } catch (error) {
    if (!isCode(error, 'PoolBeingResized')) throw error;
    const pool = await waitSteady(ports, data, poolId, limitMs);
    const same = (name: string) => pool[name] === body[name];
    if (!same('targetDedicatedNodes') || !same('targetLowPriorityNodes'))
      await data.pool.resize(poolId, body);
  }
}

async function stop(data: DataPlane, poolId: string): Promise<void> {
  try {
    await data.pool.stopResize(poolId);
  } catch (error) {
    // It has become steady in the meantime.
    if (!isCode(error, 'OperationInvalidForCurrentState')) throw error;
  }
}
