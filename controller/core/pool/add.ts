import type { PoolAdd } from '../../../protocol/batch/pool.js';
import { poolKey, type AccountKey } from '../../../protocol/keys.js';
import { durationMs } from '../../../protocol/time.js';
import { samplePool } from '../autoscale/sampler.js';
import { queueAll } from '../job/disable.js';
import type { Recorder } from '../recorder.js';
import { evaluatePool } from './autoscale.js';
import { cloudServiceImage } from './cloud-service.js';
import type { Pool } from './state.js';
import { beginResize } from './transition.js';

const DEFAULT_RESIZE_TIMEOUT_MS = 15 * 60_000;

/** Adds a checked pool: `resizing` at once, even to no nodes. */
export function addPool(
  recorder: Recorder,
  account: AccountKey,
  body: PoolAdd,
  nodeProvider: Pool['nodeProvider'],
): Pool {
  const { state, now } = recorder;
  const key = poolKey(account, body.id);
  const image = cloudServiceImage(recorder.settings, body);
  const pool: Pool = {
    key,
    account,
    id: body.id,
    specification: body,
    state: 'active',
    stateTransitionTime: now,
    allocationState: 'steady',
    allocationStateTransitionTime: now,
    targetDedicatedNodes: body.targetDedicatedNodes ?? 0,
    targetLowPriorityNodes: body.targetLowPriorityNodes ?? 0,
    resize: { startTime: now, timeoutMs: 0, nodeDeallocationOption: 'requeue' },
    resizeErrors: [],
    nodeProvider,
    ...(image === undefined ? {} : { cloudServiceImage: image }),
    creationTime: now,
    lastModified: now,
    version: 1,
  };
  state.addPool(pool);
  // Jobs may have waited for it, with tasks that a pool of the same name could not hold.
  for (const job of state.jobs.values())
    if (job.pool === key && job.state === 'active') queueAll(recorder, job);
  const timeoutMs =
    body.resizeTimeout === undefined ? DEFAULT_RESIZE_TIMEOUT_MS : durationMs(body.resizeTimeout);
  if (body.enableAutoScale) evaluatePool(recorder, pool);
  else samplePool(recorder, pool);
  beginResize(recorder, pool, timeoutMs, 'requeue');
  return pool;
}
