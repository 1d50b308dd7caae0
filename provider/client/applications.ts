import { call } from './retry.js';
import type { Account } from './data-plane.js';
import { managementClient, once, plain } from './management-plane.js';
import type { Connection } from './settings.js';
import { putSigned } from './storage.js';

type Body = Record<string, unknown>;
const ZIP = { format: 'zip' };

/** Applications and their packages, through the unchanged @azure/arm-batch and the admin token. */
export function applications(connection: Connection) {
  const client = once(() => managementClient(connection).applicationOperations);
  const ask = async (what: string, send: () => Promise<unknown>): Promise<Body> =>
    plain(await call(`${what} application`, connection.endpoint, send));
  return {
    get: ({ resourceGroupName, accountName }: Account, name: string) =>
      ask('get', () => client().get(resourceGroupName, accountName, name)),
    put: ({ resourceGroupName, accountName }: Account, name: string, parameters: Body) =>
      ask('create', () => client().create(resourceGroupName, accountName, name, { parameters })),
    patch: ({ resourceGroupName, accountName }: Account, name: string, parameters: Body) =>
      ask('update', () => client().update(resourceGroupName, accountName, name, parameters)),
    delete: ({ resourceGroupName, accountName }: Account, name: string) =>
      call('delete application', connection.endpoint, () =>
        client().delete(resourceGroupName, accountName, name),
      ),
  };
}

export function applicationPackages(connection: Connection) {
  const client = once(() => managementClient(connection).applicationPackageOperations);
  const ask = async (what: string, send: () => Promise<unknown>): Promise<Body> =>
    plain(await call(`${what} application package`, connection.endpoint, send));
  return {
    get: ({ resourceGroupName, accountName }: Account, name: string, version: string) =>
      ask('get', () => client().get(resourceGroupName, accountName, name, version)),
    put: ({ resourceGroupName, accountName }: Account, name: string, version: string) =>
      ask('create', () => client().create(resourceGroupName, accountName, name, version)),
    upload: (storageUrl: string, content: Uint8Array) => putSigned(connection, storageUrl, content),
    activate: ({ resourceGroupName, accountName }: Account, name: string, version: string) =>
      ask('activate', () => client().activate(resourceGroupName, accountName, name, version, ZIP)),
    delete: ({ resourceGroupName, accountName }: Account, name: string, version: string) =>
      call('delete application package', connection.endpoint, () =>
        client().delete(resourceGroupName, accountName, name, version),
      ),
  };
}
