import { BatchError } from '../../../protocol/batch/errors.js';
import { LIMITS } from '../../../protocol/batch/limits.js';
import { applicationPackageKey } from '../../../protocol/keys.js';
import type { ApplicationPackage } from '../../core/application-package/state.js';
import type { Command, Transaction } from '../../engine/command.js';
import { conflict, findApplication, packagesOf } from '../application/find.js';
import type { BodyLess } from '../find.js';

const UPLOAD_ID_BYTES = 8;

/**
 * ApplicationPackage_Create: a new version that waits for its file, or an old one that waits for
 * another file. Nodes get the old file until the new one is activated.
 */
export const applicationPackageCreate = ({
  account,
  applicationName,
  versionName,
}: BodyLess & { applicationName: string; versionName: string }): Command<void> => ({
  name: 'applicationPackageCreate',
  run(transaction) {
    const { state, now } = transaction;
    const application = findApplication(transaction, account, applicationName);
    const key = applicationPackageKey(application.key, versionName);
    const present = state.applicationPackages.get(key);
    if (present?.content !== undefined && !application.allowUpdates)
      throw conflict(
        `The application ${application.id} does not allow updates: its package ${present.versionName} can't be replaced.`,
      );
    if (present !== undefined) {
      // One that has no file yet keeps its place to upload to.
      if (present.state === 'pending') return;
      present.upload = newUpload(transaction, application.id, present.versionName);
      present.state = 'pending';
      return transaction.touched('applicationPackage', present);
    }
    if (packagesOf(transaction, application).length >= LIMITS.packagesPerApplication)
      throw new BatchError('ApplicationPackageQuotaReached', [
        { key: 'Quota', value: String(LIMITS.packagesPerApplication) },
      ]);
    const made: ApplicationPackage = {
      key,
      account,
      application: application.key,
      versionName,
      state: 'pending',
      upload: newUpload(transaction, application.id, versionName),
      creationTime: now,
      lastModified: now,
      version: 1,
    };
    state.applicationPackages.set(key, made);
    transaction.changed('applicationPackage', made);
  },
});

const newUpload = ({ random }: Transaction, applicationId: string, versionName: string): string =>
  `${applicationId}/${versionName}/${random.hex(UPLOAD_ID_BYTES)}.zip`;
