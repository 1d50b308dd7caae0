import Router from '@koa/router';
import type { Context, Middleware } from 'koa';
import { readJson } from '../middleware/body.js';
import { managementErrors } from '../middleware/errors.js';
import { originOf } from '../origin.js';
import type { HttpPorts } from '../ports.js';
import { decodePart, parseQuery } from '../query-string.js';
import * as account from './account.js';
import * as applicationPackage from './application-package.js';
import * as application from './application.js';
import type { ManagementHandler } from './call.js';
import * as certificate from './certificate.js';
import { badRequest, ManagementError } from './errors.js';
import * as hypervisor from './hypervisor.js';
import * as image from './image.js';
import * as location from './location.js';
import * as pool from './pool.js';

type Method = 'GET' | 'PUT' | 'PATCH' | 'POST' | 'DELETE';

const PROVIDER = '/subscriptions/{subscriptionId}/providers/Microsoft.Batch';
const LOCATION = `${PROVIDER}/locations/{location}`;
const GROUP =
  '/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Batch/batchAccounts';
const ACCOUNT = `${GROUP}/{accountName}`;
const APPLICATION = `${ACCOUNT}/applications/{applicationName}`;
const PACKAGE = `${APPLICATION}/versions/{versionName}`;
const POOL = `${ACCOUNT}/pools/{poolName}`;
const IMAGE = `${LOCATION}/images/{imageName}`;
const HYPERVISOR = `${LOCATION}/hypervisors/{hypervisorName}`;
const CERTIFICATE = `${ACCOUNT}/certificates/{certificateName}`;

/** Every operation of the management plane that is served; everything else below its paths is 404, 405 or 501. */
const routes: readonly [Method, string, ManagementHandler][] = [
  ['GET', '/subscriptions', location.listSubscriptions],
  ['GET', '/providers/Microsoft.Batch/operations', location.listOperations],
  ['GET', `${PROVIDER}/batchAccounts`, account.listAccounts],
  ['GET', GROUP, account.listAccounts],
  ['PUT', ACCOUNT, account.createAccount],
  ['PATCH', ACCOUNT, account.updateAccount],
  ['GET', ACCOUNT, account.getAccount],
  ['DELETE', ACCOUNT, account.deleteAccount],
  ['POST', `${ACCOUNT}/listKeys`, account.getKeys],
  ['POST', `${ACCOUNT}/regenerateKeys`, account.regenerateKey],
  ['GET', `${ACCOUNT}/detectors`, location.emptyList],
  ['GET', `${ACCOUNT}/outboundNetworkDependenciesEndpoints`, location.emptyList],
  ['GET', `${ACCOUNT}/privateEndpointConnections`, location.emptyList],
  ['GET', `${ACCOUNT}/privateLinkResources`, location.emptyList],
  ['POST', `${ACCOUNT}/syncAutoStorageKeys`, account.syncAutoStorageKeys],
  ['GET', `${ACCOUNT}/applications`, application.listApplications],
  ['PUT', APPLICATION, application.createApplication],
  ['PATCH', APPLICATION, application.updateApplication],
  ['GET', APPLICATION, application.getApplication],
  ['DELETE', APPLICATION, application.deleteApplication],
  ['GET', `${APPLICATION}/versions`, applicationPackage.listPackages],
  ['PUT', PACKAGE, applicationPackage.createPackage],
  ['GET', PACKAGE, applicationPackage.getPackage],
  ['DELETE', PACKAGE, applicationPackage.deletePackage],
  ['POST', `${PACKAGE}/activate`, applicationPackage.activatePackage],
  ['GET', `${LOCATION}/quotas`, location.getQuotas],
  ['GET', `${LOCATION}/virtualMachineSkus`, location.listVirtualMachineSkus],
  ['GET', `${LOCATION}/cloudServiceSkus`, location.listCloudServiceSkus],
  ['POST', `${LOCATION}/checkNameAvailability`, location.checkNameAvailability],
  ['GET', `${LOCATION}/images`, image.listImages],
  ['PUT', IMAGE, image.putImage],
  ['GET', IMAGE, image.getImage],
  ['DELETE', IMAGE, image.deleteImage],
  ['GET', `${LOCATION}/hypervisors`, hypervisor.listHypervisors],
  ['GET', HYPERVISOR, hypervisor.getHypervisor],
  ['PATCH', HYPERVISOR, hypervisor.updateHypervisor],
  ['PUT', POOL, pool.createPool],
  ['PATCH', POOL, pool.updatePool],
  ['GET', POOL, pool.getPool],
  ['DELETE', POOL, pool.deletePool],
  ['POST', `${POOL}/stopResize`, pool.stopResize],
  ['POST', `${POOL}/disableAutoScale`, pool.disableAutoScale],
  ['GET', `${POOL}/operationResults/{creationTime}`, pool.deleteResult],
  ['GET', `${ACCOUNT}/pools`, pool.listPools],
  ['PUT', CERTIFICATE, certificate.createCertificate],
  ['PATCH', CERTIFICATE, certificate.updateCertificate],
  ['GET', CERTIFICATE, certificate.getCertificate],
  ['DELETE', CERTIFICATE, certificate.deleteCertificate],
  ['POST', `${CERTIFICATE}/cancelDelete`, certificate.cancelDeletion],
  ['GET', `${CERTIFICATE}/operationResults/{creationTime}`, certificate.deleteResult],
  ['GET', `${ACCOUNT}/certificates`, certificate.listCertificates],
];

const API_VERSION = /^(\d{4}-\d\d-\d\d)(-preview)?$/;
const OLDEST_API_VERSION = '2015-07-01';

/** ARM's paths are matched without case. */
const patternOf = (template: string) =>
  new RegExp(`^${template.replaceAll('.', '\\.').replace(/\{(\w+)\}/g, '(?<$1>[^/]+)')}/?$`, 'i');

function checkVersion(version: string | undefined): void {
  if (version === undefined || version === '')
    throw badRequest('MissingApiVersionParameter', 'The query parameter api-version is required.');
  const date = API_VERSION.exec(version)?.[1];
  if (date === undefined || date < OLDEST_API_VERSION)
    throw badRequest(
      'InvalidApiVersionParameter',
      `The api-version ${version.slice(0, 64)} is invalid: it must be a date from ${OLDEST_API_VERSION} on.`,
    );
}

function checkToken(context: Context, ports: HttpPorts): void {
  const token = /^Bearer +([\x21-\x7e]+)$/i.exec(context.get('authorization'))?.[1];
  if (token === undefined || !ports.isAdminToken(token))
    throw new ManagementError(
      401,
      'InvalidAuthenticationToken',
      "The Authorization header must be: Bearer {the controller's admin token}.",
    );
}

function managementRouter(ports: HttpPorts): Router {
  const router = new Router();
  for (const [method, template, handler] of routes) {
    const pattern = patternOf(template);
    router.register(
      pattern,
      [method],
      async (context, next) => {
        if (context.method !== method) return next();
        const groups = pattern.exec(context.path)?.groups ?? {};
        const names = Object.entries(groups).map(([name, part]) => [name, decodePart(part)]);
        await handler({
          ports,
          context: context as unknown as Context,
          names: Object.fromEntries(names) as Record<string, string>,
          query: parseQuery(context.querystring),
          body: method === 'GET' ? undefined : await readJson(context as unknown as Context),
          baseUrl: originOf(context),
        });
      },
      { pathAsRegExp: true },
    );
  }
  return router;
}

/** The management plane: everything at and below `/subscriptions` and `/providers`. */
export function managementRoutes(ports: HttpPorts): Middleware {
  const answerErrors = managementErrors(ports);
  const router = managementRouter(ports).routes() as unknown as Middleware;
  return async (context, next) => {
    if (!/^\/(subscriptions|providers)(\/|$)/i.test(context.path)) return next();
    await answerErrors(context, async () => {
      checkToken(context, ports);
      checkVersion(parseQuery(context.querystring).get('api-version'));
      await router(context, async () => {
        const known = ((context as { matched?: unknown[] }).matched ?? []).length > 0;
        throw known
          ? new ManagementError(405, 'MethodNotAllowed', `${context.method} is not allowed here.`)
          : new ManagementError(
              404,
              'NotFound',
              `No resource is at ${context.path.slice(0, 200)}.`,
            );
      });
    });
  };
}
