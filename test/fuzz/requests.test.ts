import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { API_VERSIONS } from '../../protocol/batch/api-version.js';
import { operations } from '../../protocol/batch/operations.js';
import type { Operation } from '../../protocol/batch/operations.js';
import { queryParametersOf } from '../../protocol/batch/query-parameters.js';
import { signedRequest } from '../support/signed-request.js';
import type { Answer } from '../support/signed-request.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';
import { waitFor } from '../support/wait-for.js';
import { HOSTILE_TEXTS, valueOf } from './hostile.js';
import type { JsonSchema } from './hostile.js';

/** Far above what a request takes, on a machine that does much else; then it is given up. */
const REPLY_WITHIN_MS = 10_000;

/** The same requests in each run; FC_SEED chooses others, FUZZ_TIMES more of them. */
const seed = Number(process.env['FC_SEED'] ?? 1);
const times = Number(process.env['FUZZ_TIMES'] ?? 1);

let controller: StartedController;
beforeAll(async () => {
  // No cores for nodes: what is asked for is kept, and nothing is started.
  const quotas = { dedicatedCores: 0, lowPriorityCores: 0 };
  controller = await startController({ configuration: { quotas } });
});
afterAll(() => controller.stop());

/** What requests can be about; what an earlier one has deleted is there again. */
beforeEach(async () => {
  const pool = {
    id: 'seed',
    vmSize: 'standard_d1_v2',
    virtualMachineConfiguration: {
      imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local' },
      nodeAgentSKUId: 'batch.node.process',
    },
  };
  const schedule = { doNotRunUntil: new Date(Date.now() + 86_400_000).toISOString() };
  const poolInfo = { poolId: 'seed' };
  await add('/pools', pool);
  await renewJob();
  await add('/jobs', { id: 'seed', poolInfo });
  await add('/jobs/seed/tasks', { id: 'seed', commandLine: '/bin/true' });
  await add('/jobschedules', { id: 'later', schedule, jobSpecification: { poolInfo } });
});

/** An ended job takes no tasks: it goes. */
const renewJob = () =>
  waitFor('the ended job to go', async () => {
    const { status, text } = await signedRequest(controller, 'GET', '/jobs/seed');
    if (status === 404 || text.includes('"state":"active"')) return true;
    await signedRequest(controller, 'DELETE', '/jobs/seed');
    return false;
  });

async function add(path: string, body: object): Promise<void> {
  const { status, text } = await signedRequest(controller, 'POST', path, {
    body: JSON.stringify(body),
  });
  if (status !== 201 && status !== 409) throw new Error(`POST ${path}: ${String(status)} ${text}`);
}

const table: readonly Operation[] = operations;

const id = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom('seed', 'SEED', 'seed', 'later', 'fuzz', 'sha1') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(...HOSTILE_TEXTS, '%ff', '%00', '%zz', '..%2f..').map(encode),
  },
);

/** Percent-encoded as a client would; what no client can encode goes as it is. */
function encode(text: string): string {
  if (/^%..|%2f/.test(text)) return text;
  try {
    return encodeURIComponent(text.slice(0, 2000));
  } catch {
    return '%ed%a0%80'; // half a surrogate pair
  }
}

function isDecodable(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}

interface Sent {
  id: string;
  method: string;
  path: string;
  body?: string | Buffer;
  headers: Record<string, string>;
}

const headers = fc.oneof(
  { weight: 5, arbitrary: fc.constant({}) },
  { weight: 1, arbitrary: hostileHeaders() },
);
function hostileHeaders() {
  return fc.dictionary(
    fc.constantFrom('if-match', 'if-none-match', 'if-modified-since', 'ocp-range', 'content-type'),
    fc.constantFrom('*', '"0x0"', 'Tue, 99 Foo 2026', 'bytes=0-', 'bytes=9-1', 'text/xml', ','),
    { maxKeys: 2 },
  );
}

/** Any request of the operation: ids, query, headers and body. */
function requestOf(operation: Operation): fc.Arbitrary<Sent> {
  const names = [...operation.path.matchAll(/\{(\w+)\}/g)];
  const path = fc
    .array(id, { minLength: names.length, maxLength: names.length })
    .map((ids) =>
      names.reduce((text, [name], at) => text.replace(name, ids[at] ?? ''), operation.path),
    );
  const parameter = fc.constantFrom<string>(...queryParametersOf(operation.id), 'timeout');
  const value = fc.constantFrom(
    '0',
    '-1',
    '99999999999',
    '1',
    "id eq 'x'",
    '((((',
    ...HOSTILE_TEXTS,
  );
  const query = fc
    .array(fc.tuple(parameter, value), { maxLength: 2 })
    .map((all) => all.map(([name, text]) => `${name}=${encode(text)}`).join('&'));
  const body: fc.Arbitrary<string | Buffer | undefined> =
    operation.request === undefined
      ? fc.constant(undefined)
      : valueOf(schemaOf(operation.request)).map((json) => JSON.stringify(json) ?? '');
  return fc.record({ path, query, headers, body }).map((all) => ({
    ...{ id: operation.id, method: operation.method },
    path: all.query === '' ? all.path : `${all.path}?${all.query}`,
    headers: all.headers,
    ...(all.body !== undefined && { body: all.body }),
  }));
}

const schemaOf = (request: z.ZodType): JsonSchema =>
  z.toJSONSchema(request, { io: 'input', unrepresentable: 'any' }) as JsonSchema;

/** Today's, or the last that has the operation. */
function versionOf(id: string): string {
  const until = table.find((operation) => operation.id === id)?.until ?? '2022-10';
  return [...API_VERSIONS].filter((version) => version.slice(0, 7) <= until).at(-1) ?? '';
}

/** Sends it, and holds the answer to what every answer owes. */
async function send({ id, method, path, body, headers }: Sent): Promise<Answer> {
  const options = {
    headers,
    withinMs: REPLY_WITHIN_MS,
    // It may wait for ever for a task to begin: the answer is its head.
    headOnly: id === 'Task_Follow',
    ...(body !== undefined && { body }),
  };
  // What nobody can sign is sent under another request's signature.
  const signed = isDecodable(path) ? path : '/pools';
  const version = versionOf(id);
  const sendUrl = `${path}${path.includes('?') ? '&' : '?'}api-version=${version}`;
  const shown = `${id} ${path.slice(0, 300)} ${String(body).slice(0, 600)}`;
  const answer = await signedRequest(controller, method, signed, {
    ...options,
    version,
    ...(signed !== path && { sendUrl }),
  }).catch((error: unknown) => {
    throw new Error(`${shown}: ${String(error)}`, { cause: error });
  });
  const mayComeAgain = answer.code === 'TooManyEnableAutoScaleRequests';
  if (answer.status >= 500 && !mayComeAgain)
    throw new Error(`${shown}: ${String(answer.status)} ${answer.text}`);
  if (answer.status >= 400 && method !== 'HEAD' && answer.code === undefined)
    throw new Error(`${shown}: ${String(answer.status)} without a code: ${answer.text}`);
  return answer;
}

/** What changes by itself, and entities that the service makes or removes in its own time. */
const PASSING =
  /^(e?tag|lastModified|.*state.*|.*transitionTime|resizeErrors|executionInfo|autoScaleRun|current.*|allocation.*|stats|.*nextRun.*)$/i;

async function snapshot(): Promise<string> {
  const kinds = ['/pools', '/jobs', '/jobschedules', '/certificates', '/jobs/seed/tasks'];
  const lists = await Promise.all(
    kinds.map(async (kind) => {
      const { status, text } = await signedRequest(controller, 'GET', kind);
      if (status !== 200) return [];
      return (JSON.parse(text) as { value: { id?: string; state?: string }[] }).value.filter(
        (one) =>
          !/[:.]|_[0-9A-F-]{36}/i.test(one.id ?? '') &&
          !['deleting', 'terminating', 'completed'].includes(one.state ?? ''),
      );
    }),
  );
  return JSON.stringify(lists, (name, value: unknown) => (PASSING.test(name) ? undefined : value));
}

describe('any request', () => {
  it.each(table.map((operation) => [operation.id, operation] as const))(
    '%s is answered in time and never with a 5xx',
    async (_, operation) => {
      await fc.assert(
        fc.asyncProperty(requestOf(operation), async (sent) => void (await send(sent))),
        {
          seed,
          numRuns: times * (operation.request === undefined ? 12 : 40),
        },
      );
    },
  );

  it('that is refused has changed nothing', async () => {
    const writes = table.filter(({ method }) => method !== 'GET' && method !== 'HEAD');
    const anyWrite = fc.oneof(...writes.map((operation) => requestOf(operation)));
    await fc.assert(
      fc.asyncProperty(anyWrite, async (sent) => {
        const before = await snapshot();
        const { status } = await send(sent);
        if (status >= 400) expect(await snapshot()).toBe(before);
      }),
      { seed, numRuns: 200 * times },
    );
  });

  it('leaves the controller alive, with no fault in its log', async () => {
    expect((await signedRequest(controller, 'GET', '/pools')).status).toBe(200);
    expect(controller.logs()).not.toMatch(/"level":(50|60)/);
  });
});

describe('bodies that are no request', () => {
  const withBody = table.filter(({ request }) => request !== undefined);
  const pathOf = ({ path }: Operation) => path.replace(/\{\w+\}/g, 'seed');
  const refuse = async (operation: Operation, body: string | Buffer, statuses: number[]) => {
    const answer = await send({ ...operation, path: pathOf(operation), body, headers: {} });
    expect(statuses).toContain(answer.status);
  };

  it('are refused by every operation: broken UTF-8, deep and unfinished JSON, no object', async () => {
    const broken = Buffer.from([0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, 0xff, 0xfe, 0x22, 0x7d]);
    const bodies = [
      broken,
      '['.repeat(100_000),
      `{"id":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}}`,
      '{"id":"x"',
      '[]',
      '"text"',
      '7',
    ];
    for (const operation of withBody)
      for (const body of bodies) await refuse(operation, body, [400]);
  });

  it('of 10 MB are refused by every operation, and the next request is answered', async () => {
    const body = `{"id":"${'x'.repeat(10_000_000)}"}`;
    for (const operation of withBody) await refuse(operation, body, [413]);
    expect((await signedRequest(controller, 'GET', '/pools')).status).toBe(200);
  });
});
