import * as z from 'zod';
import { anyCase } from '../batch/common.js';

/** Account names on create (the contract's section 9.1). */
export const ACCOUNT_NAME = /^[a-z0-9]{3,24}$/;

const Tags = z
  .record(z.string().min(1).max(512), z.string().max(256))
  .refine((tags) => Object.keys(tags).length <= 50, 'at most 50 tags are allowed');

/** AutoStorageBaseProperties; null takes it away. */
export const AutoStorage = z
  .object({
    storageAccountId: z.string().min(1).max(2048),
    authenticationMode: anyCase(['StorageKeys', 'BatchAccountManagedIdentity']).default(
      'StorageKeys',
    ),
    nodeIdentityReference: z.object({ resourceId: z.string().max(2048).optional() }).optional(),
  })
  .nullish();
export type AutoStorage = z.output<typeof AutoStorage>;

const quota = z.int().min(0).max(1_000_000).optional();
/** Read-only on Azure, where support changes them; here the holder of the admin token may. */
const QUOTAS = {
  dedicatedCoreQuota: quota,
  lowPriorityCoreQuota: quota,
  poolQuota: quota,
  activeJobAndJobScheduleQuota: quota,
};

/** BatchAccountCreateParameters: what has no meaning here (encryption, identity …) is accepted and dropped. */
export const BatchAccountCreate = z.object({
  location: z.string().min(1).max(64),
  tags: Tags.optional(),
  properties: z
    .object({
      poolAllocationMode: anyCase(['BatchService']).optional(),
      autoStorage: AutoStorage,
      ...QUOTAS,
    })
    .optional(),
});
export type BatchAccountCreate = z.output<typeof BatchAccountCreate>;

export const BatchAccountUpdate = z.object({
  tags: Tags.optional(),
  properties: z.object({ autoStorage: AutoStorage, ...QUOTAS }).optional(),
});
export type BatchAccountUpdate = z.output<typeof BatchAccountUpdate>;

export const BatchAccountRegenerateKey = z.object({ keyName: anyCase(['Primary', 'Secondary']) });
export type BatchAccountRegenerateKey = z.output<typeof BatchAccountRegenerateKey>;

export const CheckNameAvailability = z.object({
  name: z.string().min(1).max(256),
  type: z
    .string()
    .regex(/^Microsoft\.Batch\/batchAccounts$/i, 'must be Microsoft.Batch/batchAccounts'),
});
export type CheckNameAvailability = z.output<typeof CheckNameAvailability>;
