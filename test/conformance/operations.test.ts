import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { operations } from '../../protocol/batch/operations.js';
import type { Operation } from '../../protocol/batch/operations.js';
import { batchClient } from '../support/client.js';
import { signedRequest } from '../support/signed-request.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';

let controller: StartedController;
beforeAll(async () => {
  controller = await startController();
});
afterAll(() => controller.stop());

const table: readonly Operation[] = operations;
const pathOf = (operation: Operation, id: string) =>
  operation.path.replace('{thumbprintAlgorithm}', 'sha1').replace(/\{\w+\}/g, id);
const call = (operation: Operation, id: string, body?: string) =>
  signedRequest(controller, operation.method, pathOf(operation, id), {
    ...(body !== undefined && operation.method !== 'GET' && { body }),
  });

describe('the table of operations', () => {
  it('has every operation of the service once', () => {
    expect(new Set(table.map(({ id }) => id)).size).toBe(table.length);
    expect(new Set(table.map(({ method, path }) => `${method} ${path}`)).size).toBe(table.length);
    expect(table.filter(({ extension }) => extension !== true)).toHaveLength(80);
  });

  it('is what the service answers: none of it is unknown, and none breaks', async () => {
    for (const operation of table) {
      const { status, code } = await call(operation, 'nothing', '{}');
      expect(status, operation.id).toBeLessThan(500);
      expect([operation.id, code]).not.toContain('UnsupportedHttpVerb');
      if (operation.until === undefined)
        expect([operation.id, code]).not.toContain('ResourceNotFound');
    }
  });

  it('leaves unknown paths 404 and unknown verbs 405', async () => {
    expect((await signedRequest(controller, 'GET', '/nothing')).code).toBe('ResourceNotFound');
    expect((await signedRequest(controller, 'DELETE', '/pools')).code).toBe('UnsupportedHttpVerb');
    expect((await signedRequest(controller, 'HEAD', '/jobs/j')).status).toBe(405);
    expect((await signedRequest(controller, 'GET', '/Pools')).code).toBe('ResourceNotFound');
  });
});

describe('any body and any id', () => {
  it('never end in a 5xx and change nothing when refused', async () => {
    const writes = table.filter(({ method }) => method !== 'GET');
    const ids = fc.oneof(
      fc.constantFrom('a', '%2e%2e', '%00', '%ff', '%F0%9F', "';drop", 'x'.repeat(300), 'a%2Fb'),
      fc.string({ minLength: 1, maxLength: 20 }).map(encodeURIComponent),
    );
    const bodies = fc.oneof(
      fc.json({ maxDepth: 3 }),
      fc.constantFrom(
        '',
        '[',
        '"',
        'nul',
        '{"id":null}',
        `${'['.repeat(5000)}`,
        '\u0000',
        '{"__proto__":{}}',
      ),
    );
    const property = fc.asyncProperty(
      fc.constantFrom(...writes),
      ids.filter((id) => !/^\.*$/.test(id)),
      bodies,
      async (operation, id, body) => {
        const answer = await call(operation, id, body);
        if (answer.status >= 500) throw new Error(`${operation.id} ${id} ${body}: ${answer.text}`);
      },
    );
    await fc.assert(property, { numRuns: 300 });
    const client = batchClient(controller);
    expect(await client.pool.list()).toHaveLength(0);
    expect(await client.job.list()).toHaveLength(0);
  }, 60_000);

  it('of deep or large bodies are refused, and the connection lives on', async () => {
    const deep = `{"id":"p","metadata":${'['.repeat(100)}${']'.repeat(100)}}`;
    const first = await signedRequest(controller, 'POST', '/pools', { body: deep });
    expect([first.status, first.code]).toEqual([400, 'InvalidRequestBody']);
    const large = `{"id":"${'x'.repeat(2_000_000)}"}`;
    const second = await signedRequest(controller, 'POST', '/pools', { body: large });
    expect([second.status, second.code]).toEqual([413, 'RequestBodyTooLarge']);
  });
});
