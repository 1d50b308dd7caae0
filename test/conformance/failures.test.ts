import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BatchServiceClient, TaskAddParameter } from '@azure/batch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { batchClient } from '../support/client.js';
import { PROCESS_POOL, sh, waits } from '../support/process-pool.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';

let controller: StartedController;
let client: BatchServiceClient;
let until: ReturnType<typeof waits>;

/** A server of everything that goes wrong; what hangs is given up after a second, as the agent is told. */
const answers: Record<string, (response: ServerResponse) => void> = {
  '/gone': (response) => response.writeHead(404).end(),
  '/forbidden': (response) => response.writeHead(403).end(),
  '/again': (response) => response.writeHead(302, { location: '/again' }).end(),
  '/huge': (response) => {
    response.writeHead(200, { 'content-length': String(2 ** 52) });
    response.write('the first of four million gigabytes');
  },
  '/silent': () => undefined,
};
const server = createServer((request, response) => {
  const [path = ''] = (request.url ?? '').split('?');
  request.resume();
  (answers[path.replace(/\/blob$/, '')] ?? answers['/gone'])?.(response);
});
const at = (path: string) => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;

beforeAll(async () => {
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const environment = { BATCHYARD_TRANSFERS: 'triesMax=2,retryMs=50,idleMs=1000' };
  controller = await startController({ environment });
  client = batchClient(controller);
  until = waits(client);
  await client.pool.add({ ...PROCESS_POOL, id: 'p', targetDedicatedNodes: 1, taskSlotsPerNode: 4 });
  await client.job.add({ id: 'j', poolInfo: { poolId: 'p' } });
  await until.nodes('p', 'idle');
});
afterAll(async () => {
  await controller.stop();
  server.closeAllConnections();
  server.close();
});

const input = (path: string) => ({
  commandLine: 'true',
  resourceFiles: [{ httpUrl: at(`${path}?sig=secret`), filePath: 'in/file' }],
});
const output = (path: string, script: string) => ({
  commandLine: sh(script),
  outputFiles: [
    {
      filePattern: '../stdout.txt',
      destination: { container: { containerUrl: at(`${path}?sig=secret`), path: 'blob' } },
      uploadOptions: { uploadCondition: 'taskcompletion' as const },
    },
  ],
});
const ofInput = (path: string) => [
  { name: 'FilePath', value: 'in/file' },
  { name: 'HttpUrl', value: at(path) },
];
const ofOutput = (path: string) => [
  { name: 'FilePath', value: 'stdout.txt' },
  { name: 'Url', value: at(`${path}/blob`) },
];

interface Failure {
  category: 'usererror' | 'servererror';
  code: string;
  says: RegExp;
  details?: () => object[];
  exitCode?: number;
}
type Case = [what: string, task: () => Omit<TaskAddParameter, 'id'>, failure: Failure];
const user = { category: 'usererror' } as const;
const service = { category: 'servererror' } as const;
/** A detail that says more than the message does. */
const told = (name: string, value: unknown) => () => [{ name, value }];

const BEFORE_ITS_PROCESS: Case[] = [
  [
    'a program that does not exist',
    () => ({ commandLine: 'no-such-program -v' }),
    { ...user, code: 'CommandProgramNotFound', says: /no-such-program was not found along PATH/ },
  ],
  [
    'a file that is not executable',
    () => ({ commandLine: '/etc/passwd' }),
    {
      ...user,
      code: 'CommandLaunchFailed',
      says: /not an executable file/,
      details: told('Error', 'EACCES'),
    },
  ],
  [
    'quotes that are not balanced',
    () => ({ commandLine: 'echo "a' }),
    { ...user, code: 'CommandLaunchFailed', says: /unbalanced quotes: the " at position 6/ },
  ],
  [
    'a user account that the pool does not have',
    () => ({ commandLine: 'true', userIdentity: { userName: 'joe' } }),
    { ...user, code: 'CommandLaunchFailed', says: /"joe", which is no user account of the pool/ },
  ],
  [
    'a resource file that is not there',
    () => input('/gone'),
    { ...user, code: 'BlobNotFound', says: /status 404/, details: () => ofInput('/gone') },
  ],
  [
    'a resource file that it may not read',
    () => input('/forbidden'),
    { ...user, code: 'BlobAccessDenied', says: /403/, details: () => ofInput('/forbidden') },
  ],
  [
    'a resource file whose server is silent',
    () => input('/silent'),
    { ...service, code: 'BlobDownloadTimedOut', says: /./, details: () => ofInput('/silent') },
  ],
  [
    'a resource file that redirects in a loop',
    () => input('/again'),
    {
      ...service,
      code: 'BlobDownloadMiscError',
      says: /redirects more than 5 times/,
      details: () => ofInput('/again'),
    },
  ],
  [
    'a resource file larger than the disk',
    () => input('/huge'),
    { ...service, code: 'DiskFull', says: /has 4503599627370496 bytes, and the node's disk has/ },
  ],
  [
    'a package of no application',
    () => ({ commandLine: 'true', applicationPackageReferences: [{ applicationId: 'none' }] }),
    {
      ...user,
      code: 'ApplicationPackageError',
      says: /application none does not exist/i,
      details: () => [
        { name: 'ApplicationPackageReference', value: 'none' },
        { name: 'Message', value: expect.any(String) as unknown },
      ],
    },
  ],
];

const WITH_ITS_EXIT_CODE: Case[] = [
  [
    'an exit code other than 0',
    () => ({ commandLine: sh('exit 7') }),
    {
      ...user,
      code: 'FailureExitCode',
      says: /exit code representing a failure/,
      details: told('Message', 'The task process exited with exit code 7'),
      exitCode: 7,
    },
  ],
  [
    'a signal',
    () => ({ commandLine: sh('kill -11 $$') }),
    {
      ...user,
      code: 'FailureExitCode',
      says: /./,
      details: told('Message', 'The task process exited with exit code -11'),
      exitCode: -11,
    },
  ],
  [
    'a time that is over',
    () => ({ commandLine: 'sleep 60', constraints: { maxWallClockTime: 'PT1S' } }),
    { ...user, code: 'TaskEnded', says: /longer than its maximum wall-clock time/, exitCode: -15 },
  ],
  [
    'an output that its address refuses',
    () => output('/forbidden', 'echo done'),
    {
      ...user,
      code: 'FileUploadAccessDenied',
      says: /status 403/,
      details: () => ofOutput('/forbidden'),
      exitCode: 0,
    },
  ],
  [
    'an output without a container, beside its own failure',
    () => output('/gone', 'exit 5'),
    {
      ...user,
      code: 'FileUploadContainerNotFound',
      says: /status 404/,
      details: () => ofOutput('/gone'),
      exitCode: 5,
    },
  ],
];

let number = 0;
async function run(task: Omit<TaskAddParameter, 'id'>) {
  const id = `t${String((number += 1))}`;
  await client.task.add('j', { id, ...task });
  return (await until.task('j', id)).executionInfo;
}

describe('a task fails', () => {
  const expected = ({ says, details, exitCode: _, ...rest }: Failure) => ({
    ...rest,
    message: expect.stringMatching(says) as unknown,
    details: details?.() ?? [],
  });

  it.each(BEFORE_ITS_PROCESS)(
    'before its process for %s, untried again, and the node takes the next',
    async (_, task, failure) => {
      const constraints = { maxTaskRetryCount: 3 };
      const info = await run({ ...task(), constraints });
      expect(info).toMatchObject({ result: 'failure', retryCount: 0 });
      expect(info?.exitCode).toBeUndefined();
      expect(info?.failureInfo).toEqual(expected(failure));
      expect(JSON.stringify(info)).not.toContain('secret');
      expect(await run({ commandLine: 'true' })).toMatchObject({ exitCode: 0 });
    },
  );

  it.each(WITH_ITS_EXIT_CODE)('for %s, and keeps its exit code', async (_, task, failure) => {
    const info = await run(task());
    expect(info).toMatchObject({ result: 'failure', exitCode: failure.exitCode });
    expect(info?.failureInfo).toEqual(expected(failure));
    expect(JSON.stringify(info)).not.toContain('secret');
  });
});

describe('a task', () => {
  it('may have an environment of a megabyte', async () => {
    const value = 'x'.repeat(32_000);
    const environmentSettings = Array.from({ length: 31 }, (_, n) => ({ name: `V${n}`, value }));
    const commandLine = sh('test $(env | wc -c) -gt 992000');
    expect(await run({ commandLine, environmentSettings })).toMatchObject({ exitCode: 0 });
  });

  it('is refused where a variable or all of them are larger than a request may be', async () => {
    const add = (length: number, count: number) =>
      client.task.add('j', {
        id: 'huge',
        commandLine: 'true',
        environmentSettings: Array.from({ length: count }, (_, n) => ({
          name: `V${n}`,
          value: 'x'.repeat(length),
        })),
      });
    await expect(add(1_000_000, 1)).rejects.toMatchObject({
      statusCode: 400,
      code: 'InvalidPropertyValue',
    });
    await expect(add(32_000, 40)).rejects.toMatchObject({
      statusCode: 413,
      code: 'RequestBodyTooLarge',
    });
  });

  it('with retries without end is tried until it succeeds', async () => {
    const counting =
      'echo x >> $AZ_BATCH_NODE_SHARED_DIR/tries; test $(wc -l < $AZ_BATCH_NODE_SHARED_DIR/tries) -gt 6';
    const info = await run({ commandLine: sh(counting), constraints: { maxTaskRetryCount: -1 } });
    expect(info).toMatchObject({ exitCode: 0, retryCount: 6, result: 'success' });
    expect(info?.lastRetryTime).toEqual(info?.startTime);
  });

  it('that writes binary without end is ended by its time, and can be read', async () => {
    const constraints = { maxWallClockTime: 'PT1S' };
    await client.task.add('j', { id: 'endless', commandLine: 'cat /dev/urandom', constraints });
    expect((await until.task('j', 'endless')).executionInfo?.failureInfo?.code).toBe('TaskEnded');
    const ocpRange = 'bytes=1000-1999';
    const { readableStreamBody } = await client.file.getFromTask('j', 'endless', 'stdout.txt', {
      fileGetFromTaskOptions: { ocpRange },
    });
    let length = 0;
    for await (const part of readableStreamBody ?? []) length += (part as Buffer).length;
    expect(length).toBe(1000);
    await client.task.deleteMethod('j', 'endless');
    expect(await run({ commandLine: 'true' })).toMatchObject({ exitCode: 0 });
  });
});
