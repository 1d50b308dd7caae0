import { first } from '../migrations/0001-first.js';
import { applications } from '../migrations/0002-applications.js';
import { jobNodes } from '../migrations/0003-job-nodes.js';
import { attempts } from '../migrations/0004-attempts.js';
import { taskFactories } from '../migrations/0005-task-factories.js';
import { images } from '../migrations/0006-images.js';
import { samples } from '../migrations/0007-samples.js';
import { runsThatExpire } from '../migrations/0008-runs-that-expire.js';
import { hypervisors } from '../migrations/0009-hypervisors.js';

/** Migrations in order: number n brings a store of version n − 1 to version n. Never edit one that was released. */
export const MIGRATIONS: readonly { version: number; sql: string }[] = [
  { version: 1, sql: first },
  { version: 2, sql: applications },
  { version: 3, sql: jobNodes },
  { version: 4, sql: attempts },
  { version: 5, sql: taskFactories },
  { version: 6, sql: images },
  { version: 7, sql: samples },
  { version: 8, sql: runsThatExpire },
  { version: 9, sql: hypervisors },
];

/** The version that this program reads and writes. */
export const SCHEMA_VERSION = Math.max(...MIGRATIONS.map(({ version }) => version));

/** Marks the file as ours (`PRAGMA application_id`): "BYrd". */
export const APPLICATION_ID = 0x42597264;
