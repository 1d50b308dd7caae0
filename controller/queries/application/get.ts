import { BatchError } from '../../../protocol/batch/errors.js';
import { LIMITS } from '../../../protocol/batch/limits.js';
import { applicationKey } from '../../../protocol/keys.js';
import type { GetInput, QueryContext } from '../context.js';
import { applicationSummary } from './wire.js';

/** Application_Get. @throws BatchError ApplicationNotFound */
export async function applicationGet(
  { reader }: QueryContext,
  { account, applicationId }: GetInput & { applicationId: string },
): Promise<{ body: object }> {
  const application = await reader.get('application', applicationKey(account, applicationId));
  if (application === undefined)
    throw new BatchError('ApplicationNotFound', [{ key: 'ApplicationId', value: applicationId }]);
  const limit = LIMITS.packagesPerApplication;
  const packages = await reader.list('applicationPackage', { scope: application.key, limit });
  return { body: applicationSummary(application, packages) };
}
