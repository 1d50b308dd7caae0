import { BatchManagementClient } from '@azure/arm-batch';
import { call } from './retry.js';
import type { Account } from './data-plane.js';
import type { Connection } from './settings.js';

type Body = Record<string, unknown>;
const SUBSCRIPTION = '00000000-0000-0000-0000-000000000000';
const POLL_MS = 500;
/** Plain JSON of a client's answer; undefined of nothing. */
export const plain = (answer: unknown) => JSON.parse(JSON.stringify(answer)) as Body;

/** Accounts and keys, through the unchanged @azure/arm-batch and the admin token. */
export function managementPlane(connection: Connection) {
  const { endpoint } = connection;
  const client = once(() => managementClient(connection).batchAccountOperations);
  const keys = async ({ resourceGroupName, accountName }: Account) => {
    const { primary = '', secondary = '' } = await call('list keys', endpoint, () =>
      client().getKeys(resourceGroupName, accountName),
    );
    return { primary, secondary };
  };
  const poll = { updateIntervalInMs: POLL_MS };
  return {
    keys,
    get: async ({ resourceGroupName, accountName }: Account) =>
      plain(
        await call('get account', endpoint, () => client().get(resourceGroupName, accountName)),
      ),
    put: async ({ resourceGroupName, accountName }: Account, body: Body) =>
      plain(
        await call('create account', endpoint, () =>
          client().beginCreateAndWait(
            resourceGroupName,
            accountName,
            { location: String(body.location), tags: body.tags as Record<string, string> },
            poll,
          ),
        ),
      ),
    patch: async ({ resourceGroupName, accountName }: Account, body: Body) =>
      plain(
        await call('update account', endpoint, () =>
          client().update(resourceGroupName, accountName, {
            tags: body.tags as Record<string, string>,
          }),
        ),
      ),
    delete: async ({ resourceGroupName, accountName }: Account) => {
      await call('delete account', endpoint, () =>
        client().beginDelete(resourceGroupName, accountName, poll),
      );
    },
    regenerateKey: async (
      { resourceGroupName, accountName }: Account,
      keyName: 'Primary' | 'Secondary',
    ) => {
      await call('regenerate key', endpoint, () =>
        client().regenerateKey(resourceGroupName, accountName, { keyName }),
      );
    },
  };
}

export function once<Value>(make: () => Value): () => Value {
  let made: { value: Value } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** The client's own bearer policy refuses plain http, so one that only sets the header takes its place. */
export function managementClient({ endpoint, adminToken, ca }: Connection): BatchManagementClient {
  if (adminToken === undefined)
    throw Object.assign(
      new Error(
        'no admin token: set batchyard:adminToken (pulumi config set --secret), BATCHYARD_ADMIN_TOKEN or connection.adminToken',
      ),
      {
        code: 'NoAdminToken',
      },
    );
  const credential = {
    getToken: () =>
      Promise.resolve({ token: adminToken, expiresOnTimestamp: Date.now() + 3_600_000 }),
  };
  const client = new BatchManagementClient(credential, SUBSCRIPTION, {
    endpoint,
    allowInsecureConnection: endpoint.startsWith('http:'),
    retryOptions: { maxRetries: 0 },
    ...(ca !== undefined && { tlsOptions: { ca } }),
  });
  if (endpoint.startsWith('http:')) {
    client.pipeline.removePolicy({ name: 'bearerTokenAuthenticationPolicy' });
    client.pipeline.addPolicy({
      name: 'batchyardBearer',
      sendRequest: (request, next) => {
        request.headers.set('Authorization', `Bearer ${adminToken}`);
        return next(request);
      },
    });
  }
  return client;
}
