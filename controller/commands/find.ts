import { BatchError } from '../../protocol/batch/errors.js';
import {
  certificateKey,
  jobKey,
  jobScheduleKey,
  nodeKey,
  poolKey,
  taskKey,
  type AccountKey,
} from '../../protocol/keys.js';
import type { Certificate } from '../core/certificate/state.js';
import type { JobSchedule } from '../core/job-schedule/state.js';
import type { Job } from '../core/job/state.js';
import type { Node } from '../core/node/state.js';
import type { Pool } from '../core/pool/state.js';
import type { Task } from '../core/task/state.js';
import type { Conditions, Transaction } from '../engine/command.js';

/** What every command of the data plane is given besides the ids of its path. */
export interface Input<Body = undefined> {
  account: AccountKey;
  conditions?: Conditions;
  body: Body;
}
/** For commands without a body: it may be left out or anything. */
export type BodyLess = Omit<Input, 'body'> & { body?: unknown };

const notFound = (
  code:
    | 'PoolNotFound'
    | 'NodeNotFound'
    | 'JobNotFound'
    | 'TaskNotFound'
    | 'JobScheduleNotFound'
    | 'CertificateNotFound',
  name: string,
  id: string,
) => new BatchError(code, [{ key: name, value: id }]);

export function findPool({ state }: Transaction, account: AccountKey, poolId: string): Pool {
  const pool = state.pools.get(poolKey(account, poolId));
  if (pool === undefined) throw notFound('PoolNotFound', 'PoolId', poolId);
  return pool;
}

/** The pool, unless it is being deleted: then nothing about it may be changed. */
export function findActivePool(
  transaction: Transaction,
  account: AccountKey,
  poolId: string,
): Pool {
  const pool = findPool(transaction, account, poolId);
  if (pool.state === 'deleting') throw new BatchError('PoolBeingDeleted');
  return pool;
}

export function findNode(
  transaction: Transaction,
  account: AccountKey,
  poolId: string,
  nodeId: string,
): Node {
  const pool = findPool(transaction, account, poolId);
  const node = transaction.state.nodes.get(nodeKey(pool.key, nodeId));
  if (node === undefined) throw notFound('NodeNotFound', 'NodeId', nodeId);
  return node;
}

export function findJob({ state }: Transaction, account: AccountKey, jobId: string): Job {
  const job = state.jobs.get(jobKey(account, jobId));
  if (job === undefined) throw notFound('JobNotFound', 'JobId', jobId);
  return job;
}

/** The job, unless it has ended or is about to. */
export function findLiveJob(transaction: Transaction, account: AccountKey, jobId: string): Job {
  const job = findJob(transaction, account, jobId);
  checkLive(job);
  return job;
}

export function checkLive(job: Job): void {
  if (job.state === 'deleting') throw new BatchError('JobBeingDeleted');
  if (job.state === 'terminating') throw new BatchError('JobBeingTerminated');
  if (job.state === 'completed') throw new BatchError('JobCompleted');
}

export function findTask(
  transaction: Transaction,
  account: AccountKey,
  jobId: string,
  taskId: string,
): Task {
  const job = findJob(transaction, account, jobId);
  const task = transaction.state.findTask(taskKey(job.key, taskId));
  if (task === undefined) throw notFound('TaskNotFound', 'TaskId', taskId);
  return task;
}

export const keyOfTask = (account: AccountKey, jobId: string, taskId: string) =>
  taskKey(jobKey(account, jobId), taskId);

export function findJobSchedule(
  { state }: Transaction,
  account: AccountKey,
  id: string,
): JobSchedule {
  const schedule = state.jobSchedules.get(jobScheduleKey(account, id));
  if (schedule === undefined) throw notFound('JobScheduleNotFound', 'JobScheduleId', id);
  return schedule;
}

export function findCertificate(
  { state }: Transaction,
  account: AccountKey,
  algorithm: string,
  thumbprint: string,
): Certificate {
  const certificate = state.certificates.get(certificateKey(account, algorithm, thumbprint));
  if (certificate === undefined) throw notFound('CertificateNotFound', 'Thumbprint', thumbprint);
  return certificate;
}

/** Replaces the named properties of a specification; an empty list or object clears. */
export function replaced<T extends object>(specification: T, properties: Partial<T>): T {
  const given = Object.entries(properties).filter(([, value]) => value !== undefined);
  return { ...specification, ...Object.fromEntries(given) };
}
