/**
 * What the text in a stack's state points to (dynamic/pointer.ts): one provider a kind. The names of
 * these exports never change, and each takes state that any older version has written.
 */
import { account as accountKind } from './core/account.js';
import { application as applicationKind } from './core/application/application.js';
import { applicationPackage as applicationPackageKind } from './core/application/package.js';
import { certificate as certificateKind } from './core/certificate/certificate.js';
import { image as imageKind } from './core/image.js';
import { job as jobKind } from './core/job/job.js';
import { jobSchedule as jobScheduleKind } from './core/job/job-schedule.js';
import { pool as poolKind } from './core/pool/pool.js';
import { storageContainer as storageContainerKind } from './core/storage/storage-container.js';
import { task as taskKind } from './core/task/task.js';
import { taskCollection as taskCollectionKind } from './core/task/task-collection.js';
import { front } from './dynamic/front.js';

export const account = front(accountKind);
export const storageContainer = front(storageContainerKind);
export const certificate = front(certificateKind);
export const pool = front(poolKind);
export const job = front(jobKind);
export const jobSchedule = front(jobScheduleKind);
export const application = front(applicationKind);
export const applicationPackage = front(applicationPackageKind);
export const task = front(taskKind);
export const taskCollection = front(taskCollectionKind);
export const image = front(imageKind);
