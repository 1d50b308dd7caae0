import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assignment, type FakeController } from '../support/fake-controller.js';
import { FakeStorage } from '../support/fake-storage.js';
import { StartedAgent } from '../support/start-agent.js';

let agent: StartedAgent;
let controller: FakeController;
let storage: FakeStorage;

const LIMITS = {
  triesMax: 3,
  retryMs: 10,
  idleMs: 300,
  parallel: 4,
  progressBytes: 1_000,
  singlePutBytes: 100_000,
  blockBytes: 40_000,
};
const limitsText = Object.entries(LIMITS)
  .map(([name, value]) => `${name}=${String(value)}`)
  .join(',');

beforeAll(async () => {
  storage = await FakeStorage.start();
  agent = await StartedAgent.start({ environment: { BATCHYARD_TRANSFERS: limitsText } });
  controller = agent.controller;
  await controller.prepared();
});
afterAll(async () => {
  await agent.stop();
  await storage.close();
});

const path = (taskId: string, file: string) =>
  join(agent.root, 'workitems/Job/job-1', taskId, file);
const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest('base64');
const bytesOf = (length: number, seed = 7) =>
  Buffer.from(Uint8Array.from({ length }, (_, at) => (at * seed + (at >> 8)) & 0xff));
const CONTENT = bytesOf(4_000_000);
/** More than what a reader may lose of what has arrived when the line is cut. */
const PART = 600_000;

/** Sends the head of a body and cuts the line. */
function cut(
  response: ServerResponse,
  status: number,
  headers: object,
  body: Buffer,
  sent: number,
) {
  response.writeHead(status, { 'content-length': body.length, ...headers });
  response.write(body.subarray(0, sent), () => response.socket?.end());
}

/** Where the asked part begins, if its condition holds. */
function rangeStart(request: IncomingMessage, etag: string): number | undefined {
  const start = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
  return start !== undefined && request.headers['if-range'] === etag ? Number(start) : undefined;
}

function runWith(taskId: string, ...names: string[]) {
  const resourceFiles = names.map((name) => ({
    httpUrl: storage.url(`/${name}?sig=secret`),
    filePath: name,
  }));
  return controller.run(assignment(taskId, 'true', { resourceFiles }));
}
const runsNext = async (after: string) =>
  expect(await controller.run(assignment(`after-${after}`, 'true'))).toMatchObject({ exitCode: 0 });

describe('a download that breaks off', () => {
  test('is continued where it ended, oftener than it may fail, and its MD5 is checked', async () => {
    const starts: number[] = [];
    storage.files.set('/resumed', (request, response) => {
      const start = rangeStart(request, '"one"') ?? 0;
      starts.push(start);
      const headers = {
        etag: '"one"',
        'x-ms-blob-content-md5': md5(CONTENT),
        ...(start === 0
          ? {}
          : { 'content-range': `bytes ${start}-${CONTENT.length - 1}/${CONTENT.length}` }),
      };
      const rest = CONTENT.subarray(start);
      if (rest.length > PART) cut(response, start === 0 ? 200 : 206, headers, rest, PART);
      else response.writeHead(206, { 'content-length': rest.length, ...headers }).end(rest);
    });
    expect(await runWith('resumed', 'resumed')).toMatchObject({ exitCode: 0 });
    expect(readFileSync(path('resumed', 'wd/resumed')).equals(CONTENT)).toBe(true);
    expect(starts.length).toBeGreaterThan(LIMITS.triesMax);
    expect(starts[0]).toBe(0);
    expect(starts.slice(1).every((start, at) => start > (starts[at] ?? 0))).toBe(true);
  });

  test('is begun anew when the file has become another meanwhile', async () => {
    const changed = bytesOf(200_000, 11);
    storage.files.set('/changed', (request, response) => {
      if (request.headers.range === undefined)
        cut(response, 200, { etag: '"one"', 'content-md5': md5(CONTENT) }, CONTENT, PART);
      else response.writeHead(200, { etag: '"two"', 'content-md5': md5(changed) }).end(changed);
    });
    expect(await runWith('changed', 'changed')).toMatchObject({ exitCode: 0 });
    expect(readFileSync(path('changed', 'wd/changed')).equals(changed)).toBe(true);
  });

  test.each([
    ['can’t prove it is the same', {}, 0],
    ['doesn’t know the range', { etag: '"one"' }, 416],
    ['answers with another part', { etag: '"one"' }, 206],
  ])('is begun anew where its source %s', async (what, headers, status) => {
    const name = `anew-${status}`;
    let answers = 0;
    storage.files.set(`/${name}`, (request, response) => {
      answers += 1;
      if (answers === 1) cut(response, 200, headers, CONTENT, PART);
      else if (request.headers.range === undefined) response.writeHead(200).end(CONTENT);
      else if (status === 416) response.writeHead(416).end();
      else response.writeHead(206, { 'content-range': 'bytes 5-8/4000000' }).end('part');
    });
    expect(await runWith(name, name)).toMatchObject({ exitCode: 0 });
    expect(readFileSync(path(name, `wd/${name}`)).equals(CONTENT), what).toBe(true);
    expect(answers).toBe(status === 0 ? 2 : 3);
  });

  test('without any progress fails the task when its tries are used up', async () => {
    let answers = 0;
    storage.files.set('/cut', (_request, response) => {
      answers += 1;
      cut(response, 200, { etag: '"one"' }, CONTENT, 100);
    });
    expect(await runWith('cut', 'cut')).toMatchObject({
      preProcessing: true,
      failure: { code: 'BlobDownloadMiscError', category: 'servererror' },
    });
    expect(answers).toBe(LIMITS.triesMax);
    await runsNext('cut');
  });
});

describe('a download', () => {
  test('with a wrong MD5 is tried again, and fails the task when it stays wrong', async () => {
    let answers = 0;
    const headers = { 'content-md5': md5(CONTENT) };
    storage.files.set('/flipped', (_request, response) => {
      answers += 1;
      response.writeHead(200, headers).end(answers === 1 ? bytesOf(4_000_000, 3) : CONTENT);
    });
    expect(await runWith('flipped', 'flipped')).toMatchObject({ exitCode: 0 });
    expect(readFileSync(path('flipped', 'wd/flipped')).equals(CONTENT)).toBe(true);
    storage.files.set('/wrong', (_request, response) =>
      response.writeHead(200, headers).end('something else'),
    );
    const outcome = await runWith('wrong', 'wrong');
    expect(outcome).toMatchObject({
      preProcessing: true,
      failure: { code: 'BlobDownloadMiscError', category: 'servererror' },
    });
    expect(outcome.failure?.message).toContain('MD5');
    expect(outcome.failure?.message).not.toContain('secret');
    expect(agent.has('workitems/Job/job-1/wrong/wd/wrong')).toBe(false);
  });

  test.each(['before its first byte', 'in its middle'])(
    'that stalls %s times out',
    async (when) => {
      const name = `stall-${when.length}`;
      storage.files.set(`/${name}`, (_request, response) => {
        if (when === 'in its middle')
          response.writeHead(200, { 'content-length': 10_000 }).write('some');
      });
      expect(await runWith(name, name)).toMatchObject({
        preProcessing: true,
        failure: { code: 'BlobDownloadTimedOut', category: 'servererror' },
      });
      await runsNext(name);
    },
  );

  test('travels with others, but not with too many at once', async () => {
    let present = 0;
    let most = 0;
    const names = Array.from({ length: 12 }, (_, at) => `many-${at}`);
    for (const name of names)
      storage.files.set(`/${name}`, (_request, response) => {
        present += 1;
        most = Math.max(most, present);
        setTimeout(() => {
          present -= 1;
          response.end(name);
        }, 30);
      });
    expect(await runWith('many', ...names)).toMatchObject({ exitCode: 0 });
    for (const name of names) expect(agent.taskText('many', `wd/${name}`)).toBe(name);
    expect(most).toBe(LIMITS.parallel);
  });
});

describe('a large output', () => {
  const output = (container: string, uploadHeaders: { name: string; value: string }[] = []) => ({
    filePattern: 'big',
    path: 'to/big',
    containerUrl: `${container}?sig=s`,
    uploadCondition: 'taskcompletion' as const,
    uploadHeaders,
  });
  const BYTES = 6_000_000;
  const write = `sh -c "head -c ${BYTES} /dev/zero | tr '\\0' x > big"`;

  test('is put in blocks, each tried again by itself, and named at the end', async () => {
    const headers = [
      { name: 'Content-Type', value: 'text/x' },
      { name: 'x-ms-meta-a', value: 'b' },
    ];
    storage.putOnce.set('/blocks', 503);
    // Longer than anything else may be silent: the server makes one file of them.
    storage.listDelayMs = LIMITS.idleMs + 100;
    const outputFiles = [output(storage.url('/blocks'), headers)];
    expect(await controller.run(assignment('blocks', write, { outputFiles }))).toMatchObject({
      exitCode: 0,
    });
    storage.listDelayMs = 0;
    const puts = storage.allPuts.filter((one) => one.path === '/blocks/to/big');
    const list = puts.at(-1);
    expect(list?.query.get('comp')).toBe('blocklist');
    expect(list?.headers).toMatchObject({ 'x-ms-blob-content-type': 'text/x', 'x-ms-meta-a': 'b' });
    const ids = [...String(list?.body).matchAll(/<Latest>([^<]*)<\/Latest>/g)].map(([, id]) => id);
    expect(ids).toHaveLength(Math.ceil(BYTES / LIMITS.blockBytes));
    const blocks = ids.map((id) => puts.find(({ query }) => query.get('blockid') === id));
    expect(Buffer.concat(blocks.map((one) => one?.body ?? Buffer.of()))).toHaveLength(BYTES);
    expect(puts).toHaveLength(ids.length + 1);
    expect(list?.query.get('sig')).toBe('s');
  });

  test.each([
    ['refuses', 403, 'FileUploadAccessDenied'],
    ['has no such container', 404, 'FileUploadContainerNotFound'],
    ['stays busy', 503, 'FileUploadMiscError'],
  ])('whose storage %s fails the task with its exit code', async (_what, status, code) => {
    storage.putStatus.set(`/no-${status}`, status);
    const outputFiles = [output(storage.url(`/no-${status}`))];
    const outcome = await controller.run(assignment(`no-${status}`, write, { outputFiles }));
    expect(outcome).toMatchObject({ exitCode: 0, fileUpload: true, failure: { code } });
    await runsNext(`no-${status}`);
  });

  test.each([
    ['in one request', LIMITS.singlePutBytes],
    ['in blocks', BYTES],
  ])('that travels %s is put again where its line is cut', async (_how, bytes) => {
    const far = await FakeStorage.start();
    far.cutNext();
    const outputFiles = [output(far.url('/cut'))];
    const command = write.replace(String(BYTES), String(bytes));
    const outcome = await controller.run(assignment(`cut-${bytes}`, command, { outputFiles }));
    expect(outcome).toMatchObject({ exitCode: 0 });
    expect(outcome).not.toHaveProperty('failure');
    const parts = far.allPuts.filter(({ query }) => query.get('comp') !== 'blocklist');
    expect(parts.reduce((sum, { body }) => sum + body.length, 0)).toBe(bytes);
    await far.close();
  });

  test('for a port where nobody listens fails the task with its exit code', async () => {
    const gone = await FakeStorage.start();
    const container = gone.url('/gone');
    await gone.close();
    const outputFiles = [output(container)];
    expect(await controller.run(assignment('gone', write, { outputFiles }))).toMatchObject({
      exitCode: 0,
      fileUpload: true,
      failure: {
        code: 'FileUploadMiscError',
        message: expect.stringContaining('ECONNREFUSED') as string,
      },
    });
    await runsNext('gone');
  });
});

test('a task id may hold every legal character, as many as there may be', async () => {
  const ids = [
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ-abcdefghijklmnopqrstuvwxyz_0123456789',
    '-',
    '_',
    '--help',
    '0',
  ];
  for (const id of ids) {
    expect(
      await controller.run(assignment(id, `sh -c 'echo "$AZ_BATCH_TASK_ID"; pwd'`)),
    ).toMatchObject({
      exitCode: 0,
    });
    expect(agent.taskText(id)).toBe(`${id}\n${path(id, 'wd')}\n`);
  }
});
