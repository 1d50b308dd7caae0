import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { API_VERSIONS } from '../../protocol/batch/api-version.js';
import { ENTITIES } from '../../protocol/batch/entities.js';
import { operations } from '../../protocol/batch/operations.js';
import type { Operation } from '../../protocol/batch/operations.js';
import { signedRequest } from '../support/signed-request.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';

interface Parameter {
  name: string;
  in: string;
  required?: boolean;
}
interface Body {
  content?: Record<string, { schema?: { $ref?: string } }>;
}
interface Described {
  operationId: string;
  parameters: (Parameter | { $ref: string })[];
  requestBody?: Body & { required: boolean };
  responses: Record<string, Body & { $ref?: string }>;
}
interface Document {
  servers: { url: string }[];
  paths: Record<string, Record<string, Described>>;
  components: Record<string, Record<string, unknown>>;
}

let controller: StartedController;
let document: Document;
beforeAll(async () => {
  controller = await startController();
  const answer = await fetch(`${controller.url}/openapi.json`);
  expect([answer.status, answer.headers.get('content-type')]).toEqual([
    200,
    expect.stringContaining('application/json'),
  ]);
  document = (await answer.json()) as Document;
});
afterAll(() => controller.stop());

const table: readonly Operation[] = operations;
/** What a reference of the document leads to. */
function resolve<T>(value: object): T {
  if (!('$ref' in value)) return value as T;
  const [, , kind = '', name = ''] = String(value.$ref).split('/');
  return document.components[kind]?.[name] as T;
}
const described = ({ path, method }: Operation) =>
  document.paths[path]?.[method.toLowerCase()] as Described;
const parametersOf = (operation: Operation) =>
  described(operation).parameters.map((one) => resolve<Parameter>(one));
const namesIn = (operation: Operation, where: string) =>
  parametersOf(operation)
    .filter((one) => one.in === where)
    .map(({ name }) => name);

describe('the OpenAPI document', () => {
  it('is a valid one of version 3.1, and every reference in it leads somewhere', async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(
      structuredClone(document) as unknown as Record<string, unknown>,
    );
    expect(errors ?? []).toEqual([]);
    expect([valid, validator.version]).toEqual([true, '3.1']);
    for (const [, reference = ''] of JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g))
      expect([reference, resolve({ $ref: reference })]).toEqual([reference, expect.any(Object)]);
    expect(document.servers).toEqual([{ url: controller.url }]);
  });

  it('has every served operation and nothing else', () => {
    const ids = Object.values(document.paths).flatMap((path) =>
      Object.values(path).map(({ operationId }) => operationId),
    );
    expect(ids.toSorted()).toEqual(table.map(({ id }) => id).toSorted());
  });

  it('gives each its ids in the path, its version, and its conditions', () => {
    for (const operation of table) {
      const names = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect([operation.id, namesIn(operation, 'path')]).toEqual([operation.id, names]);
      expect(namesIn(operation, 'query')).toContain('api-version');
      const conditions = namesIn(operation, 'header').filter((name) => name.startsWith('If-'));
      const expected = operation.conditions !== true ? 0 : operation.id.startsWith('File_') ? 2 : 4;
      expect([operation.id, conditions.length]).toEqual([operation.id, expected]);
    }
  });

  it('gives each its body’s schema, its status, and the body of its errors', () => {
    for (const operation of table) {
      const { requestBody, responses } = described(operation);
      expect([operation.id, requestBody !== undefined]).toEqual([
        operation.id,
        operation.request !== undefined,
      ]);
      if (requestBody !== undefined) {
        expect(requestBody.required).toBe(operation.bodyOptional !== true);
        const schema = requestBody.content?.['application/json']?.schema ?? {};
        expect([operation.id, resolve(schema)]).toEqual([
          operation.id,
          expect.objectContaining({ type: 'object' }),
        ]);
      }
      const good = Object.keys(responses).filter((status) => status.startsWith('2'));
      expect([operation.id, good]).toEqual([operation.id, [String(operation.success)]]);
      for (const [status, response] of Object.entries(responses)) {
        if (Number(status) < 400) continue;
        const schema = resolve<Body>(response).content?.['application/json']?.schema;
        const error = operation.method === 'HEAD' ? undefined : '#/components/schemas/Error';
        expect([operation.id, status, schema?.$ref]).toEqual([operation.id, status, error]);
      }
    }
  });

  it('names only parameters that the service reads', async () => {
    const wrong: Record<string, string> = {
      $filter: 'nonsense',
      maxresults: '0',
      recursive: 'perhaps',
    };
    for (const operation of table.filter(({ path }) => !path.includes('{'))) {
      for (const name of namesIn(operation, 'query')) {
        const value = wrong[name];
        if (value === undefined) continue;
        const path = `${operation.path}?${name}=${value}`;
        // Under the last version that has the operation.
        const version = [...API_VERSIONS]
          .filter((one) => operation.until === undefined || one.slice(0, 7) <= operation.until)
          .at(-1);
        const { status } = await signedRequest(controller, operation.method, path, {
          ...(version !== undefined && { version }),
        });
        expect([operation.id, name, status]).toEqual([operation.id, name, 400]);
      }
    }
  });

  it('describes answers, to the last property and no other', async () => {
    const image = { publisher: 'batchyard', offer: 'process', sku: 'local' };
    const machine = { imageReference: image, nodeAgentSKUId: 'batch.node.process' };
    const bodies: Record<string, object> = {
      pools: {
        id: 'seen',
        vmSize: 'standard_d1_v2',
        virtualMachineConfiguration: machine,
        startTask: { commandLine: '/bin/true' },
        userAccounts: [{ name: 'somebody', password: 'secret' }],
        metadata: [{ name: 'a', value: 'b' }],
      },
      jobs: {
        id: 'seen',
        poolInfo: { poolId: 'seen' },
        jobManagerTask: { id: 'manager', commandLine: '/bin/true' },
        jobPreparationTask: { commandLine: '/bin/true' },
        jobReleaseTask: { commandLine: '/bin/true' },
      },
      jobschedules: {
        id: 'often',
        schedule: { recurrenceInterval: 'P1D' },
        jobSpecification: { poolInfo: { poolId: 'seen' } },
      },
      'jobs/seen/tasks': { id: 'seen', commandLine: '/bin/true' },
    };
    for (const [path, body] of Object.entries(bodies)) {
      const sent = { body: JSON.stringify(body) };
      expect((await signedRequest(controller, 'POST', `/${path}`, sent)).status).toBe(201);
    }
    const described: Record<string, keyof typeof ENTITIES> = {
      '/pools/seen': 'CloudPool',
      '/jobs/seen': 'CloudJob',
      '/jobschedules/often': 'CloudJobSchedule',
      '/jobs/seen/tasks/seen': 'CloudTask',
    };
    const schemas = document.components['schemas'];
    for (const [path, name] of Object.entries(described)) {
      const { text } = await signedRequest(controller, 'GET', `${path}?$expand=stats`);
      const { 'odata.metadata': _, ...entity } = JSON.parse(text) as Record<string, unknown>;
      const { error } = ENTITIES[name].strict().safeParse(entity);
      expect([name, error?.issues ?? []]).toEqual([name, []]);
      const properties = Object.keys((schemas?.[name] as { properties: object }).properties);
      expect(properties).toEqual(expect.arrayContaining(Object.keys(entity)));
      const all = properties.join(',');
      const selected = await signedRequest(controller, 'GET', `${path}?$select=${all}`);
      expect([name, selected.status]).toEqual([name, 200]);
    }
  });

  it('describes bodies that the service takes and refuses', async () => {
    const schema = resolve<{ required: string[] }>({
      $ref: '#/components/schemas/JobAddRequest',
    });
    expect(schema.required.toSorted()).toEqual(['id', 'poolInfo']);
    const { status, code } = await signedRequest(controller, 'POST', '/jobs', { body: '{}' });
    expect([status, code]).toEqual([400, 'MissingRequiredProperty']);
  });
});
