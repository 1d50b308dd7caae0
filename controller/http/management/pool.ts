import {
  PoolAdd,
  PoolEnableAutoScale,
  PoolPatch,
  PoolResize,
} from '../../../protocol/batch/pool.js';
import { validate } from '../../../protocol/batch/validation.js';
import { poolKey } from '../../../protocol/keys.js';
import { ArmPool } from '../../../protocol/management/pool.js';
import { poolAdd } from '../../commands/pool/add.js';
import { poolDelete } from '../../commands/pool/delete.js';
import { poolDisableAutoScale } from '../../commands/pool/disable-auto-scale.js';
import { poolEnableAutoScale } from '../../commands/pool/enable-auto-scale.js';
import { poolPatch } from '../../commands/pool/patch.js';
import { poolResize } from '../../commands/pool/resize.js';
import { poolStopResize } from '../../commands/pool/stop-resize.js';
import type { Pool } from '../../core/pool/state.js';
import { poolGet } from '../../queries/pool/get.js';
import { poolList } from '../../queries/pool/list.js';
import { readConditions } from '../middleware/conditions.js';
import { sealSecrets } from '../seal-secrets.js';
import type { ManagementCall, ManagementHandler } from './call.js';
import { accountOfPath, nameOf, sendJson, sendNothing } from './call.js';
import { badRequest, ManagementError, resourceNotFound } from './errors.js';
import { sendDeleteStarted } from './long-running.js';
import { sendMatching } from './page.js';
import { armPool, toBatchPool } from './pool-shape.js';

const poolId = (call: ManagementCall) => nameOf(call, 'poolName');

const lookUp = (call: ManagementCall, id = poolId(call)): Readonly<Pool> | undefined =>
  call.ports.view.pools.get(poolKey(accountOfPath(call).key, id));

function find(call: ManagementCall): Readonly<Pool> {
  const pool = lookUp(call);
  if (pool === undefined) throw resourceNotFound(`pools/${poolId(call)}`);
  return pool;
}

const input = (call: ManagementCall) => ({
  account: accountOfPath(call).key,
  poolId: poolId(call),
  conditions: readConditions(call.context),
});

async function send(call: ManagementCall): Promise<void> {
  const account = accountOfPath(call);
  const context = { reader: call.ports.reader, baseUrl: call.baseUrl };
  const found = await poolGet(context, { account: account.key, poolId: poolId(call) });
  call.context.set('ETag', `W/"${found.etag}"`);
  sendJson(call, armPool(account, found.body, lookUp(call)?.resize));
}

/** PUT: makes the pool. One that is there is not replaced (its nodes would not follow). */
export const createPool: ManagementHandler = async (call) => {
  const account = accountOfPath(call);
  const conditions = readConditions(call.context);
  const known = lookUp(call);
  if (known !== undefined && conditions?.ifNoneMatch !== undefined)
    throw new ManagementError(412, 'PreconditionFailed', `The pool ${known.id} exists.`);
  if (known === undefined && conditions?.ifMatch !== undefined)
    throw new ManagementError(412, 'PreconditionFailed', `No pool ${poolId(call)} exists.`);
  const { properties } = validate(ArmPool, call.body);
  const body = validate(PoolAdd, { ...toBatchPool(properties), id: poolId(call) });
  const sealed = sealSecrets(call.ports.keys, body);
  await call.ports.submit(poolAdd({ account: account.key, body: sealed }));
  return send(call);
};

/** PATCH: scaling first, which may be refused for the state of the pool; then what the data plane's patch knows. */
export const updatePool: ManagementHandler = async (call) => {
  const pool = find(call);
  const { properties } = validate(ArmPool, call.body);
  const { startTask, certificateReferences, applicationPackageReferences, ...rest } =
    toBatchPool(properties);
  const patch = validate(PoolPatch, {
    startTask,
    certificateReferences,
    applicationPackageReferences,
    metadata: rest.metadata,
    targetNodeCommunicationMode: rest.targetNodeCommunicationMode,
  });
  const scaled = await scale(call, pool, properties.scaleSettings);
  const conditions = scaled ? undefined : readConditions(call.context);
  await call.ports.submit(poolPatch({ ...input(call), conditions, body: patch }));
  return send(call);
};

/** Enables automatic scaling, or resizes where the targets are others; false where nothing was to do. */
async function scale(
  call: ManagementCall,
  pool: Readonly<Pool>,
  settings: ArmPool['properties']['scaleSettings'],
): Promise<boolean> {
  if (settings?.autoScale !== undefined) {
    if (settings.fixedScale !== undefined)
      throw badRequest(
        'InvalidPropertyValue',
        'fixedScale and autoScale are mutually exclusive.',
        'scaleSettings',
      );
    const { formula, evaluationInterval } = settings.autoScale;
    const body = validate(PoolEnableAutoScale, {
      autoScaleFormula: formula,
      autoScaleEvaluationInterval: evaluationInterval,
    });
    // Clients send back what they have read: then there is nothing to enable.
    if (scalesLike(pool, body)) return false;
    await call.ports.submit(poolEnableAutoScale({ ...input(call), body }));
    return true;
  }
  const fixed = settings?.fixedScale;
  if (fixed === undefined) return false;
  const resize = validate(PoolResize, fixed);
  const { targetDedicatedNodes = pool.targetDedicatedNodes } = resize;
  const { targetLowPriorityNodes = pool.targetLowPriorityNodes } = resize;
  const changes =
    targetDedicatedNodes !== pool.targetDedicatedNodes ||
    targetLowPriorityNodes !== pool.targetLowPriorityNodes;
  const wasAutomatic = pool.specification.enableAutoScale;
  const conditions = readConditions(call.context);
  if (wasAutomatic) await call.ports.submit(poolDisableAutoScale(input(call)));
  if (changes)
    await call.ports.submit(
      poolResize({
        ...input(call),
        conditions: wasAutomatic ? undefined : conditions,
        body: resize,
      }),
    );
  return changes || wasAutomatic;
}

const scalesLike = (
  { specification }: Readonly<Pool>,
  { autoScaleFormula, autoScaleEvaluationInterval }: PoolEnableAutoScale,
): boolean =>
  specification.enableAutoScale &&
  autoScaleFormula === specification.autoScaleFormula &&
  (autoScaleEvaluationInterval ?? specification.autoScaleEvaluationInterval) ===
    specification.autoScaleEvaluationInterval;

export const getPool: ManagementHandler = async (call) => {
  find(call);
  return send(call);
};

export const listPools: ManagementHandler = async (call) => {
  const account = accountOfPath(call);
  const context = { reader: call.ports.reader, baseUrl: call.baseUrl };
  const pools: ReturnType<typeof armPool>[] = [];
  // The quota keeps their number small: all are read, since ARM's filters are about ARM's documents.
  for (let skiptoken: string | undefined; ;) {
    const page = await poolList(context, { account: account.key, skiptoken });
    pools.push(
      ...page.value.map((pool) =>
        armPool(account, pool, lookUp(call, (pool as { id: string }).id)?.resize),
      ),
    );
    if (page.next === undefined) break;
    skiptoken = page.next;
  }
  sendMatching(call, 'armPools', pools);
};

export const deletePool: ManagementHandler = async (call) => {
  const pool = lookUp(call);
  if (pool === undefined) return sendNothing(call, 204);
  const { key, creationTime } = pool;
  await call.ports.submit(poolDelete({ ...input(call), body: undefined }));
  if (call.ports.view.pools.get(key)?.creationTime === creationTime)
    sendDeleteStarted(call, creationTime);
  else sendNothing(call);
};

/** Polled after a delete: 202 while nodes go, 200 once the pool is gone. */
export const deleteResult: ManagementHandler = async (call) => {
  const creationTime = Number(nameOf(call, 'creationTime'));
  const key = poolKey(accountOfPath(call).key, poolId(call));
  if (call.ports.view.pools.get(key)?.creationTime === creationTime)
    sendDeleteStarted(call, creationTime);
  else sendNothing(call);
};

export const stopResize: ManagementHandler = async (call) => {
  find(call);
  await call.ports.submit(poolStopResize({ ...input(call), body: undefined }));
  return send(call);
};

export const disableAutoScale: ManagementHandler = async (call) => {
  find(call);
  await call.ports.submit(poolDisableAutoScale(input(call)));
  return send(call);
};
