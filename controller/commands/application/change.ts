import { invalidPropertyValue } from '../../../protocol/batch/errors.js';
import { applicationPackageKey } from '../../../protocol/keys.js';
import type { ApplicationBody } from '../../../protocol/management/application.js';
import type { Application } from '../../core/application/state.js';
import type { Transaction } from '../../engine/command.js';

/** The default version, as the application's own package spells it; it must name one that exists. */
export function checkDefaultVersion(
  { state }: Transaction,
  key: Application['key'],
  version: string | null | undefined,
): string | undefined {
  if (version === undefined || version === null || version === '') return undefined;
  const found = state.applicationPackages.get(applicationPackageKey(key, version));
  if (found === undefined)
    throw invalidPropertyValue(
      'defaultVersion',
      version,
      'it must be the name of an existing package of the application',
    );
  return found.versionName;
}

/** Takes over the properties that are given; a default version of null or '' is taken away. */
export function changeApplication(
  transaction: Transaction,
  application: Application,
  { displayName, allowUpdates, defaultVersion }: ApplicationBody,
): void {
  const version = checkDefaultVersion(transaction, application.key, defaultVersion);
  if (displayName !== undefined && displayName !== null) application.displayName = displayName;
  if (allowUpdates !== undefined && allowUpdates !== null) application.allowUpdates = allowUpdates;
  if (version !== undefined) application.defaultVersion = version;
  else if (defaultVersion !== undefined) delete application.defaultVersion;
  transaction.touched('application', application);
}
