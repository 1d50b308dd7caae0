import { BatchError, invalidPropertyValue } from '../../../protocol/batch/errors.js';
import type { JobPatch } from '../../../protocol/batch/job.js';
import { poolOfJob } from '../../core/job/add.js';
import type { Job } from '../../core/job/state.js';
import { entityReply, type EntityReply, type Transaction } from '../../engine/command.js';
import { checkLive, replaced } from '../find.js';

/** What patch and update have in common: which changes a job allows, and what follows from them. */
export function changeJob(transaction: Transaction, job: Job, properties: JobPatch): EntityReply {
  const { state } = transaction;
  checkLive(job);
  const { specification } = job;
  if (
    specification.onAllTasksComplete === 'terminatejob' &&
    properties.onAllTasksComplete === 'noaction'
  )
    throw invalidPropertyValue(
      'onAllTasksComplete',
      'noaction',
      'terminatejob cannot be taken back',
    );
  if (properties.poolInfo?.autoPoolSpecification !== undefined)
    throw new BatchError('NotImplemented', [
      { key: 'PropertyName', value: 'poolInfo.autoPoolSpecification' },
    ]);
  const pool =
    properties.poolInfo === undefined
      ? job.pool
      : poolOfJob(job.account, { poolInfo: properties.poolInfo });
  if (pool !== job.pool && job.state !== 'disabled') throw new BatchError('JobNotActive');
  const work = state.workOfJob(job.key);
  const stood = work.inOrder;
  if (job.pool !== undefined) state.workOfPool(job.pool).order.leave(work);
  job.specification = replaced(specification, properties);
  if (pool !== undefined) job.pool = pool;
  if (job.pool !== undefined && (stood || work.ready.length > 0)) {
    state.workOfPool(job.pool).order.join(work);
    state.toSchedule.add(job.pool);
  }
  transaction.touched('job', job);
  state.toSettle.jobs.add(job.key);
  return entityReply(job);
}
