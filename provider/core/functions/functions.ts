import { getAccount, getApplication, listAccountKeys } from './account.js';
import { getJob, getJobSchedule } from './job.js';
import type { LookUp } from './look-up.js';
import { getPool, getRemoteLoginSettings, listComputeNodes, listSupportedImages } from './pool.js';

/** All functions, by the name that programs call them. */
export const FUNCTIONS = {
  getAccount,
  listAccountKeys,
  getApplication,
  getPool,
  listComputeNodes,
  getRemoteLoginSettings,
  listSupportedImages,
  getJob,
  getJobSchedule,
} as const satisfies Record<string, LookUp>;
export type FunctionName = keyof typeof FUNCTIONS;
