import { ServiceError } from './refusal.js';
import { call } from './retry.js';
import type { Connection } from './settings.js';
import { send } from './storage.js';

type Body = Record<string, unknown>;
const SUBSCRIPTION = '00000000-0000-0000-0000-000000000000';
const API_VERSION = '2024-02-01';

/** Images of the controller, which Azure's own clients don't know, with the admin token. */
export function images(connection: Connection) {
  const { endpoint } = connection;
  const ask = async (
    method: string,
    location: string,
    name: string,
    allowed: readonly number[],
    body?: Body,
  ): Promise<Body> => {
    if (connection.adminToken === undefined)
      throw new ServiceError(401, 'NoAdminToken', 'no admin token: set batchyard:adminToken');
    const path = `/subscriptions/${SUBSCRIPTION}/providers/Microsoft.Batch/locations/${encodeURIComponent(location)}/images/${encodeURIComponent(name)}`;
    const url = `${endpoint}${path}?api-version=${API_VERSION}`;
    const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const answer = await call(`${method} image`, endpoint, () =>
      send(connection, method, url, allowed, content, 'application/json'),
    );
    return answer.body === '' ? {} : (JSON.parse(answer.body) as Body);
  };
  return {
    get: (location: string, name: string) => ask('GET', location, name, [200]),
    put: (location: string, name: string, properties: Body) =>
      ask('PUT', location, name, [200, 201], { properties }),
    delete: async (location: string, name: string) => {
      await ask('DELETE', location, name, [200, 202, 204]);
    },
  };
}
