import { account } from '../core/account.js';
import { application } from '../core/application/application.js';
import { applicationPackage } from '../core/application/package.js';
import { certificate } from '../core/certificate/certificate.js';
import { image } from '../core/image.js';
import { job } from '../core/job/job.js';
import { jobSchedule } from '../core/job/job-schedule.js';
import type { Kind } from '../core/kind.js';
import { pool } from '../core/pool/pool.js';
import { storageContainer } from '../core/storage/storage-container.js';
import { task } from '../core/task/task.js';
import { taskCollection } from '../core/task/task-collection.js';
import type { KindName } from '../dynamic/pointer.js';

interface Served {
  kind: Kind;
  /** What the resource classes of dynamic resources add to the inputs by themselves. */
  hidden?: 'owner' | 'workingDirectory';
  /**
   * Outputs that an update may change, and the inputs that do so (`*`: any). All others keep their value in
   * a preview, so that what depends on them is not shown as changed.
   */
  moves: Readonly<Record<string, readonly string[]>>;
}

/** Every kind that there are dynamic resources of, by the same name. */
export const SERVED: Readonly<Record<KindName, Served>> = {
  account: {
    kind: account,
    hidden: 'owner',
    moves: { primaryKey: ['keyRotation'], secondaryKey: ['keyRotation'] },
  },
  storageContainer: {
    kind: storageContainer,
    hidden: 'workingDirectory',
    moves: { blobNames: ['*'], fileDigests: ['*'] },
  },
  certificate: { kind: certificate, moves: { encryptedSecrets: ['secrets'] } },
  pool: {
    kind: pool,
    hidden: 'owner',
    moves: {
      allocationState: ['scaleSettings'],
      currentDedicatedNodes: ['scaleSettings'],
      currentLowPriorityNodes: ['scaleSettings'],
    },
  },
  job: { kind: job, hidden: 'owner', moves: {} },
  jobSchedule: { kind: jobSchedule, hidden: 'owner', moves: {} },
  application: { kind: application, moves: {} },
  applicationPackage: {
    kind: applicationPackage,
    hidden: 'workingDirectory',
    moves: { state: ['*'], lastActivationTime: ['*'] },
  },
  task: { kind: task, moves: {} },
  taskCollection: { kind: taskCollection, moves: {} },
  image: {
    kind: image,
    moves: { contentSha256: ['source', 'sha256'], sizeBytes: ['source', 'sha256'] },
  },
};
