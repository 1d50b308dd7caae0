/**
 * Keys of entities. An id keeps the case its user gave it and is compared without case, so every
 * table, index and message uses a key: the lower-cased path of ids, made here and nowhere else.
 */
declare const brand: unique symbol;
type Key<Name extends string> = string & { readonly [brand]: Name };

/** `account` */
export type AccountKey = Key<'AccountKey'>;
/** `account/pool` */
export type PoolKey = Key<'PoolKey'>;
/** `account/pool/node` */
export type NodeKey = Key<'NodeKey'>;
/** `account/job` */
export type JobKey = Key<'JobKey'>;
/** `account/jobschedule` */
export type JobScheduleKey = Key<'JobScheduleKey'>;
/** `account/job/task` */
export type TaskKey = Key<'TaskKey'>;
/** `account/job/factory` */
export type TaskFactoryKey = Key<'TaskFactoryKey'>;
/** `account/job/pool:node` */
export type JobNodeKey = Key<'JobNodeKey'>;
/**
 * Whose runs are kept: a task's key; `account/job/:pool:node:preparation` (or `release`) for a job's special
 * tasks on a node, which no task's key begins like; `node:account/pool/node` for a start task.
 */
export type RunsKey = TaskKey | SpecialRunsKey | Key<'StartTaskRunsKey'>;
export type SpecialRunsKey = Key<'SpecialRunsKey'>;
/** `account/pool/window`: ten minutes of the pool's samples, by their number since the epoch */
export type SampleWindowKey = Key<'SampleWindowKey'>;
/** `account/sha1-thumbprint` */
export type CertificateKey = Key<'CertificateKey'>;
/** `account/application` */
export type ApplicationKey = Key<'ApplicationKey'>;
/** `account/application/version` */
export type ApplicationPackageKey = Key<'ApplicationPackageKey'>;
/** `name`: images belong to the controller, not to an account. */
export type ImageKey = Key<'ImageKey'>;
/** The name as it is configured, case and all. */
export type HypervisorKey = Key<'HypervisorKey'>;

export const accountKey = (account: string) => account.toLowerCase() as AccountKey;
export const poolKey = (account: AccountKey, pool: string) =>
  `${account}/${pool.toLowerCase()}` as PoolKey;
export const nodeKey = (pool: PoolKey, node: string) => `${pool}/${node.toLowerCase()}` as NodeKey;
export const jobKey = (account: AccountKey, job: string) =>
  `${account}/${job.toLowerCase()}` as JobKey;
export const jobScheduleKey = (account: AccountKey, jobSchedule: string) =>
  `${account}/${jobSchedule.toLowerCase()}` as JobScheduleKey;
export const taskKey = (job: JobKey, task: string) => `${job}/${task.toLowerCase()}` as TaskKey;
export const taskFactoryKey = (job: JobKey, factory: string) =>
  `${job}/${factory.toLowerCase()}` as TaskFactoryKey;
export const sampleWindowKey = (pool: PoolKey, window: number) =>
  `${pool}/${String(window)}` as SampleWindowKey;
export const jobNodeKey = (job: JobKey, node: NodeKey) =>
  `${job}/${node.slice(node.indexOf('/') + 1).replace('/', ':')}` as JobNodeKey;
export const specialRunsKey = (jobNode: JobNodeKey, kind: 'preparation' | 'release') =>
  `${jobNode.replace(/\/(?=[^/]*$)/, '/:')}:${kind}` as SpecialRunsKey;
export const startTaskRunsKey = (node: NodeKey) => `node:${node}` as Key<'StartTaskRunsKey'>;
export const isOfSpecialTask = (key: RunsKey): key is SpecialRunsKey => key.includes('/:');
export const isOfStartTask = (key: RunsKey): key is Key<'StartTaskRunsKey'> =>
  key.startsWith('node:');
export const certificateKey = (account: AccountKey, algorithm: string, thumbprint: string) =>
  `${account}/${algorithm.toLowerCase()}-${thumbprint.toLowerCase()}` as CertificateKey;
export const applicationKey = (account: AccountKey, application: string) =>
  `${account}/${application.toLowerCase()}` as ApplicationKey;
export const imageKey = (name: string) => name.toLowerCase() as ImageKey;
export const hypervisorKey = (name: string) => name as HypervisorKey;
export const applicationPackageKey = (application: ApplicationKey, version: string) =>
  `${application}/${version.toLowerCase()}` as ApplicationPackageKey;

/** The account that a key of any kind belongs to. */
export const accountOf = (key: string) => key.split('/', 1)[0] as AccountKey;
/** The job of a task. */
export const jobOf = (key: TaskKey | SpecialRunsKey) =>
  key.slice(0, key.lastIndexOf('/')) as JobKey;
/** A task's id, in lower case. */
export const idOf = (key: TaskKey) => key.slice(key.lastIndexOf('/') + 1);
/** The pool of a node. */
export const poolOf = (key: NodeKey) => key.slice(0, key.lastIndexOf('/')) as PoolKey;
