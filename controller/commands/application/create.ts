import { BatchError } from '../../../protocol/batch/errors.js';
import { LIMITS } from '../../../protocol/batch/limits.js';
import { applicationKey } from '../../../protocol/keys.js';
import type { ApplicationBody } from '../../../protocol/management/application.js';
import type { Command } from '../../engine/command.js';
import type { Input } from '../find.js';
import { changeApplication, checkDefaultVersion } from './change.js';

/** Application_Create: makes the application, or changes the given properties of one that exists. */
export const applicationCreate = ({
  account,
  applicationName,
  body,
}: Input<ApplicationBody> & { applicationName: string }): Command<void> => ({
  name: 'applicationCreate',
  run(transaction) {
    const { state, now } = transaction;
    const key = applicationKey(account, applicationName);
    const present = state.applications.get(key);
    if (present !== undefined) return changeApplication(transaction, present, body);
    checkDefaultVersion(transaction, key, body.defaultVersion);
    const count = [...state.applications.values()].filter((one) => one.account === account).length;
    if (count >= LIMITS.applicationsPerAccount)
      throw new BatchError('ApplicationQuotaReached', [
        { key: 'Quota', value: String(LIMITS.applicationsPerAccount) },
      ]);
    const application = {
      key,
      account,
      id: applicationName,
      ...(typeof body.displayName === 'string' ? { displayName: body.displayName } : {}),
      allowUpdates: body.allowUpdates ?? true,
      creationTime: now,
      lastModified: now,
      version: 1,
    };
    state.applications.set(key, application);
    transaction.changed('application', application);
  },
});
