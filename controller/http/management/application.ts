import { validate } from '../../../protocol/batch/validation.js';
import { applicationKey } from '../../../protocol/keys.js';
import { APPLICATION_NAME, ApplicationBody } from '../../../protocol/management/application.js';
import { applicationCreate } from '../../commands/application/create.js';
import { applicationDelete } from '../../commands/application/delete.js';
import { applicationUpdate } from '../../commands/application/update.js';
import type { Application } from '../../core/application/state.js';
import { etagOf } from '../../../protocol/batch/etag.js';
import type { ManagementCall, ManagementHandler } from './call.js';
import { accountOfPath, nameOf, sendJson, sendNothing } from './call.js';
import { badRequest, resourceNotFound } from './errors.js';
import { sendPage } from './page.js';

const TYPE = 'Microsoft.Batch/batchAccounts/applications';

/** The name of the path, if applications may have it. */
export function applicationNameOf(call: ManagementCall): string {
  const name = nameOf(call, 'applicationName');
  if (!APPLICATION_NAME.test(name))
    throw badRequest(
      'InvalidApplicationName',
      `The application name ${name.slice(0, 100)} is invalid: allowed are 1 to 64 letters, digits, dashes and underscores.`,
      'applicationName',
    );
  return name;
}

export function findApplication(call: ManagementCall): Readonly<Application> {
  const key = applicationKey(accountOfPath(call).key, nameOf(call, 'applicationName'));
  const application = call.ports.view.applications.get(key);
  if (application === undefined)
    throw resourceNotFound(`applications/${nameOf(call, 'applicationName')}`);
  return application;
}

/** The ARM id of an application of the path's account. */
export function applicationId(call: ManagementCall, application: Readonly<Application>): string {
  const { subscriptionId, resourceGroup, name } = accountOfPath(call);
  return `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.Batch/batchAccounts/${name}/applications/${application.id}`;
}

const armApplication = (call: ManagementCall, application: Readonly<Application>): object => ({
  id: applicationId(call, application),
  name: application.id,
  type: TYPE,
  etag: `W/"${etagOf(application)}"`,
  properties: {
    ...(application.displayName !== undefined && { displayName: application.displayName }),
    allowUpdates: application.allowUpdates,
    ...(application.defaultVersion !== undefined && {
      defaultVersion: application.defaultVersion,
    }),
  },
});

function send(call: ManagementCall): void {
  const application = findApplication(call);
  call.context.set('ETag', `W/"${etagOf(application)}"`);
  sendJson(call, armApplication(call, application));
}

const input = (call: ManagementCall) => ({
  account: accountOfPath(call).key,
  applicationName: applicationNameOf(call),
});

/** PUT: makes the application; of one that is there the given properties change. */
export const createApplication: ManagementHandler = async (call) => {
  const body = validate(ApplicationBody, call.body ?? {});
  await call.ports.submit(applicationCreate({ ...input(call), body }));
  send(call);
};

export const updateApplication: ManagementHandler = async (call) => {
  findApplication(call);
  const body = validate(ApplicationBody, call.body ?? {});
  await call.ports.submit(applicationUpdate({ ...input(call), body }));
  send(call);
};

export const getApplication: ManagementHandler = async (call) => send(call);

export const listApplications: ManagementHandler = async (call) => {
  const { key } = accountOfPath(call);
  const own = [...call.ports.view.applications.values()].filter(({ account }) => account === key);
  sendPage(call, own, (application) => armApplication(call, application));
};

export const deleteApplication: ManagementHandler = async (call) => {
  const { account, applicationName } = input(call);
  if (!call.ports.view.applications.has(applicationKey(account, applicationName)))
    return sendNothing(call, 204);
  await call.ports.submit(applicationDelete({ account, applicationName }));
  sendNothing(call);
};
