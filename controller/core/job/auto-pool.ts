import { BatchError } from '../../../protocol/batch/errors.js';
import type { JobAdd } from '../../../protocol/batch/job.js';
import type { AccountKey, PoolKey } from '../../../protocol/keys.js';
import { addPool } from '../pool/add.js';
import { checkPool } from '../pool/check.js';
import { deletePool } from '../pool/transition.js';
import type { Recorder } from '../recorder.js';
import type { Job, SchedulingError } from './state.js';

type AutoPoolSpecification = NonNullable<JobAdd['poolInfo']['autoPoolSpecification']>;

/** A pool that was made for a job, or for the jobs of a schedule. */
export interface AutoPool {
  key: PoolKey;
  id: string;
}

/** Makes the pool with the job, in the same commit; what can't be made is told by the job, not refused. */
export function makeAutoPool(
  recorder: Recorder,
  account: AccountKey,
  { autoPoolIdPrefix = '', pool }: AutoPoolSpecification,
): AutoPool | SchedulingError {
  if (pool === undefined)
    return errorOf(
      new BatchError('InvalidPropertyValue', [
        { key: 'PropertyName', value: 'autoPoolSpecification.pool' },
        { key: 'Reason', value: 'the pool to make must be specified' },
      ]),
    );
  const guid = guidOf(recorder.random.hex(16));
  const id = autoPoolIdPrefix === '' ? guid : `${autoPoolIdPrefix}_${guid}`;
  const body = { ...pool, id };
  try {
    const nodeProvider = checkPool(recorder, account, body);
    return { key: addPool(recorder, account, body, nodeProvider).key, id };
  } catch (error) {
    if (!(error instanceof BatchError)) throw error;
    return errorOf(error);
  }
}

/** Upper case, as the service's own: version 4, of 32 random hexadecimal digits. */
function guidOf(hex: string): string {
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 3) | 8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ]
    .join('-')
    .toUpperCase();
}

/** The contract's section 2.4: codes of executionInfo.schedulingError. */
const CODES: Readonly<Record<string, string>> = {
  PoolQuotaReached: 'AutoPoolCreationFailedWithQuotaReached',
  InvalidApplicationPackageReferences: 'InvalidApplicationPackageReferencesInAutoPool',
  InvalidCertificateReferences: 'InvalidCertificatesInAutoPool',
  AutoScalingFormulaSyntaxError: 'InvalidAutoScaleFormulaInAutoPool',
  AutoScalingFormulaTooLong: 'InvalidAutoScaleFormulaInAutoPool',
};

const errorOf = ({ code, message, values }: BatchError): SchedulingError => ({
  category: 'usererror',
  code: CODES[code] ?? 'InvalidAutoPoolSettings',
  message: `The auto pool could not be made: ${message}`,
  details: values.map(({ key, value }) => ({ name: key, value })),
});

/** The job has ended: its pool goes with it, unless it shall stay. */
export function endAutoPool(recorder: Recorder, job: Job): void {
  const specification = job.specification.poolInfo.autoPoolSpecification;
  if (specification?.poolLifetimeOption === 'job' && !specification.keepAlive)
    deleteAutoPool(recorder, job.pool);
}

export function deleteAutoPool(recorder: Recorder, key: PoolKey | undefined): void {
  const pool = key === undefined ? undefined : recorder.state.pools.get(key);
  if (pool?.state === 'active') deletePool(recorder, pool);
}
