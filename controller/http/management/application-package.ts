import { etagOf } from '../../../protocol/batch/etag.js';
import { validate } from '../../../protocol/batch/validation.js';
import { applicationPackageKey } from '../../../protocol/keys.js';
import {
  ApplicationPackageActivate,
  VERSION_NAME,
} from '../../../protocol/management/application.js';
import { formatTime } from '../../../protocol/time.js';
import { applicationPackageActivate } from '../../commands/application-package/activate.js';
import { applicationPackageCreate } from '../../commands/application-package/create.js';
import { applicationPackageDelete } from '../../commands/application-package/delete.js';
import type { ApplicationPackage } from '../../core/application-package/state.js';
import type { PackageFiles } from '../ports.js';
import { accountStorageUrl } from '../storage/account-url.js';
import { applicationId, applicationNameOf, findApplication } from './application.js';
import type { ManagementCall, ManagementHandler } from './call.js';
import { accountOfPath, nameOf, sendJson, sendNothing } from './call.js';
import { badRequest, ManagementError, resourceNotFound } from './errors.js';
import { sendPage } from './page.js';

const TYPE = 'Microsoft.Batch/batchAccounts/applications/versions';

function versionNameOf(call: ManagementCall): string {
  const name = nameOf(call, 'versionName');
  if (!VERSION_NAME.test(name))
    throw badRequest(
      'InvalidVersionName',
      `The version ${name.slice(0, 100)} is invalid: allowed are 1 to 64 letters, digits, dashes, underscores and dots, not a dot at first.`,
      'versionName',
    );
  return name;
}

function files(call: ManagementCall): PackageFiles {
  if (call.ports.packages === undefined) throw new Error('no storage for application packages');
  return call.ports.packages;
}

const find = (call: ManagementCall): Readonly<ApplicationPackage> | undefined =>
  call.ports.view.applicationPackages.get(
    applicationPackageKey(findApplication(call).key, nameOf(call, 'versionName')),
  );

function mustFind(call: ManagementCall): Readonly<ApplicationPackage> {
  const found = find(call);
  if (found !== undefined) return found;
  throw resourceNotFound(
    `applications/${nameOf(call, 'applicationName')}/versions/${nameOf(call, 'versionName')}`,
  );
}

const storageUrl = (call: ManagementCall) =>
  accountStorageUrl(call.baseUrl, accountOfPath(call).name, {
    userAgent: call.context.get('user-agent'),
    storageDomain: call.ports.storageDomain,
  });

/** With a new signed URL each time: to upload to while the package is pending, to read once it is active. */
function armPackage(call: ManagementCall, one: Readonly<ApplicationPackage>): object {
  const isPending = one.state === 'pending';
  const { url, expiry } = files(call).url(
    storageUrl(call),
    accountOfPath(call).name,
    one.upload,
    isPending ? 'rw' : 'r',
  );
  return {
    id: `${applicationId(call, findApplication(call))}/versions/${one.versionName}`,
    name: one.versionName,
    type: TYPE,
    etag: `W/"${etagOf(one)}"`,
    properties: {
      state: isPending ? 'Pending' : 'Active',
      ...(one.format !== undefined && { format: one.format }),
      storageUrl: url,
      storageUrlExpiry: formatTime(expiry),
      ...(one.lastActivationTime !== undefined && {
        lastActivationTime: formatTime(one.lastActivationTime),
      }),
    },
  };
}

function send(call: ManagementCall): void {
  const found = mustFind(call);
  call.context.set('ETag', `W/"${etagOf(found)}"`);
  call.context.set('Cache-Control', 'no-store');
  sendJson(call, armPackage(call, found));
}

const input = (call: ManagementCall) => ({
  account: accountOfPath(call).key,
  applicationName: applicationNameOf(call),
  versionName: versionNameOf(call),
});

export const createPackage: ManagementHandler = async (call) => {
  findApplication(call);
  const { name } = accountOfPath(call);
  const named = input(call);
  await files(call).prepare(name);
  await call.ports.submit(applicationPackageCreate(named));
  send(call);
};

/** Active once a zip file is where `storageUrl` pointed to. */
export const activatePackage: ManagementHandler = async (call) => {
  const { upload, versionName } = mustFind(call);
  validate(ApplicationPackageActivate, call.body ?? {});
  const { name } = accountOfPath(call);
  const file = await files(call).inspect(name, upload);
  if (file.found === 'nothing')
    throw new ManagementError(
      409,
      'ApplicationPackageBlobNotFound',
      `The package ${versionName} has no file yet: PUT a zip file to its storageUrl first.`,
    );
  if (file.found === 'noZip')
    throw badRequest(
      'InvalidApplicationPackageFile',
      `The file of the package ${versionName} is not a zip file.`,
      'format',
    );
  const body = { blob: upload, md5: file.md5, bytes: file.bytes };
  const { unused } = await call.ports.submit(applicationPackageActivate({ ...input(call), body }));
  if (unused !== undefined) await files(call).remove(name, [unused]);
  send(call);
};

export const getPackage: ManagementHandler = async (call) => send(call);

export const listPackages: ManagementHandler = async (call) => {
  const { key } = findApplication(call);
  const own = [...call.ports.view.applicationPackages.values()].filter(
    ({ application }) => application === key,
  );
  call.context.set('Cache-Control', 'no-store');
  sendPage(call, own, (one) => armPackage(call, one));
};

export const deletePackage: ManagementHandler = async (call) => {
  if (find(call) === undefined) return sendNothing(call, 204);
  const { unused } = await call.ports.submit(applicationPackageDelete(input(call)));
  await files(call).remove(accountOfPath(call).name, unused);
  sendNothing(call);
};
