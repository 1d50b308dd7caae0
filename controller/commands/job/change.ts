import { BatchError, invalidPropertyValue } from '../../../protocol/batch/errors.js';
import { SECRET_PROPERTIES } from '../../../protocol/batch/secret-properties.js';
import type { JobPatch } from '../../../protocol/batch/job.js';
import type { PoolKey } from '../../../protocol/keys.js';
import { poolOfJob } from '../../core/job/add.js';
import type { Job } from '../../core/job/state.js';
import { entityReply, type EntityReply, type Transaction } from '../../engine/command.js';
import { checkLive, replaced } from '../find.js';

type PoolInfo = Job['specification']['poolInfo'];

/** What patch and update have in common: which changes a job allows, and what follows from them. */
export function changeJob(transaction: Transaction, job: Job, change: JobPatch): EntityReply {
  const { state } = transaction;
  checkLive(job);
  const { specification } = job;
  const properties = { ...change, poolInfo: completed(specification.poolInfo, change.poolInfo) };
  if (
    specification.onAllTasksComplete === 'terminatejob' &&
    properties.onAllTasksComplete === 'noaction'
  )
    throw invalidPropertyValue(
      'onAllTasksComplete',
      'noaction',
      'terminatejob cannot be taken back',
    );
  const pool = newPool(job, properties);
  const work = state.workOfJob(job.key);
  const stood = work.inOrder;
  if (job.pool !== undefined) state.workOfPool(job.pool).order.leave(work);
  job.specification = replaced(specification, properties);
  state.notePreemption(job);
  if (pool !== undefined) job.pool = pool;
  if (job.pool !== undefined) {
    if (stood || work.ready.length > 0) state.workOfPool(job.pool).order.join(work);
    // Others may be let in by what it allows now.
    state.toSchedule.add(job.pool);
  }
  transaction.touched('job', job);
  state.toSettle.jobs.add(job.key);
  return entityReply(job);
}

/** What a change of an auto pool leaves out (all but keepAlive may be) stays as it is. */
function completed(present: PoolInfo, wanted: PoolInfo | undefined): PoolInfo | undefined {
  const { autoPoolSpecification: auto } = present;
  const { autoPoolSpecification } = wanted ?? {};
  if (auto === undefined || autoPoolSpecification === undefined) return wanted;
  return { autoPoolSpecification: { ...auto, ...autoPoolSpecification } };
}

/**
 * The pool that the job is to have. Another one, and keepAlive of an auto pool, may be set only while
 * the job is disabled; nothing else of an auto pool can change.
 */
function newPool(job: Job, { poolInfo }: JobPatch): PoolKey | undefined {
  const present = job.specification.poolInfo;
  if (poolInfo === undefined || isSame(poolInfo, present)) return job.pool;
  const wanted = poolInfo.autoPoolSpecification;
  const auto = present.autoPoolSpecification;
  const pool = wanted === undefined ? poolOfJob(job.account, { poolInfo }) : job.pool;
  if (auto === undefined && wanted === undefined && pool === job.pool) return pool;
  if (job.state !== 'disabled') throw new BatchError('JobNotActive');
  if (auto === undefined && wanted === undefined) return pool;
  const isOnlyKeepAlive =
    auto !== undefined &&
    wanted !== undefined &&
    auto.poolLifetimeOption === 'job' &&
    isSame({ ...wanted, keepAlive: auto.keepAlive }, auto);
  if (!isOnlyKeepAlive)
    throw invalidPropertyValue(
      'poolInfo',
      wanted === undefined ? 'poolId' : 'autoPoolSpecification',
      'of an auto pool only keepAlive may change, and only with poolLifetimeOption job',
    );
  return job.pool;
}

/** Equal but for the order of properties, and for secrets: clients never get those back, so that they can't send them again. */
const isSame = (a: object, b: object) => textOf(a) === textOf(b);

const textOf = (value: unknown): string =>
  JSON.stringify(value, (_name, inner: unknown) =>
    typeof inner !== 'object' || inner === null || Array.isArray(inner)
      ? inner
      : Object.fromEntries(
          Object.entries(inner)
            .filter(([name]) => !SECRET_PROPERTIES.has(name))
            .sort(([x], [y]) => (x < y ? -1 : 1)),
        ),
  );
