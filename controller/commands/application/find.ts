import { BatchError } from '../../../protocol/batch/errors.js';
import { applicationKey, applicationPackageKey, type AccountKey } from '../../../protocol/keys.js';
import type { ApplicationPackage } from '../../core/application-package/state.js';
import type { Application } from '../../core/application/state.js';
import type { Transaction } from '../../engine/command.js';

export function findApplication(
  { state }: Transaction,
  account: AccountKey,
  applicationName: string,
): Application {
  const application = state.applications.get(applicationKey(account, applicationName));
  if (application === undefined)
    throw new BatchError('ApplicationNotFound', [{ key: 'ApplicationId', value: applicationName }]);
  return application;
}

export function findApplicationPackage(
  transaction: Transaction,
  account: AccountKey,
  applicationName: string,
  versionName: string,
): { application: Application; applicationPackage: ApplicationPackage } {
  const application = findApplication(transaction, account, applicationName);
  const key = applicationPackageKey(application.key, versionName);
  const applicationPackage = transaction.state.applicationPackages.get(key);
  if (applicationPackage === undefined)
    throw new BatchError('ApplicationPackageNotFound', [
      { key: 'ApplicationId', value: application.id },
      { key: 'Version', value: versionName },
    ]);
  return { application, applicationPackage };
}

/** All versions of an application, whatever their state. */
export const packagesOf = ({ state }: Transaction, { key }: Application): ApplicationPackage[] =>
  [...state.applicationPackages.values()].filter((one) => one.application === key);

/** What the state of things forbids, in words. */
export const conflict = (message: string): BatchError =>
  new BatchError('OperationInvalidForCurrentState', [{ key: 'Reason', value: message }], message);
