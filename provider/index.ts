/** Pulumi resources for Batchyard. */
export { Account, type AccountArgs } from './resources/account.js';
export { Application, type ApplicationArgs } from './resources/application.js';
export {
  ApplicationPackage,
  type ApplicationPackageArgs,
} from './resources/application-package.js';
export { Certificate, type CertificateArgs, type SelfSignedArgs } from './resources/certificate.js';
export type {
  ChildArgs,
  ConnectionArgs,
  ResourceArgs,
  TimeoutArgs,
} from './resources/connection.js';
export {
  BatchCluster,
  type BatchClusterArgs,
  type BatchClusterScale,
} from './components/batch-cluster.js';
export { Image, type ImageArgs } from './resources/image.js';
export { Job, type JobArgs } from './resources/job.js';
export type * from './resources/job-args.js';
export { JobSchedule, type JobScheduleArgs, type ScheduleArgs } from './resources/job-schedule.js';
export { Pool, type PoolArgs } from './resources/pool.js';
export type * from './resources/pool-args.js';
export { StorageContainer, type StorageContainerArgs } from './resources/storage-container.js';
export { Task, type TaskResourceArgs } from './resources/task.js';
export type * from './resources/task-args.js';
export { TaskCollection, type TaskCollectionArgs } from './resources/task-collection.js';
export * from './functions/account.js';
export * from './functions/job.js';
export * from './functions/pool.js';
