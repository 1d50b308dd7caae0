import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import type { BatchServiceClient, OutputFile, ResourceFile } from '@azure/batch';
import { AnonymousCredential, ContainerClient, newPipeline } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { batchClient } from '../support/client.js';
import { processesOf, startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';
import { waitFor } from '../support/wait-for.js';

const MEBIBYTE = 2 ** 20;

let controller: StartedController;
let client: BatchServiceClient;
let box: ContainerClient;
beforeAll(async () => {
  controller = await startController();
  client = batchClient(controller);
  box = container('box');
  await box.create();
  await client.pool.add({
    id: 'pool',
    vmSize: 'standard_d1_v2',
    virtualMachineConfiguration: {
      imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local' },
      nodeAgentSKUId: 'batch.node.process',
    },
    targetDedicatedNodes: 1,
  });
  await client.job.add({ id: 'job', poolInfo: { poolId: 'pool' } });
});
afterAll(() => controller.stop());

const at = (name: string) => `${controller.url}/storage/${controller.account}/${name}`;

/** The official client, unchanged but for the admin's token: its own credentials want https for that. */
function container(name: string): ContainerClient {
  const pipeline = newPipeline(new AnonymousCredential(), { retryOptions: { maxTries: 1 } });
  pipeline.factories.unshift({
    create: (next) => ({
      sendRequest: (request) => {
        request.headers.set('authorization', `Bearer ${controller.adminToken}`);
        return next.sendRequest(request);
      },
    }),
  });
  return new ContainerClient(at(name), pipeline);
}
const put = (name: string, text: string) =>
  box.getBlockBlobClient(name).upload(text, Buffer.byteLength(text));
const text = async (name: string) => (await box.getBlobClient(name).downloadToBuffer()).toString();
const names = async (prefix: string) => {
  const found: string[] = [];
  for await (const { name } of box.listBlobsFlat({ prefix })) found.push(name);
  return found;
};

let tasks = 0;
/** Runs a shell script as a task and answers with its end and its id. */
async function run(
  script: string,
  more: { resourceFiles?: ResourceFile[]; outputFiles?: OutputFile[] } = {},
) {
  const id = `task-${(tasks += 1)}`;
  await client.task.add('job', { id, commandLine: `/bin/sh -c '${script}'`, ...more });
  const task = await waitFor(`the task ${id} to complete`, async () => {
    const now = await client.task.get('job', id);
    return now.state === 'completed' && now;
  });
  const { readableStreamBody } = await client.file
    .getFromTask('job', id, 'stdout.txt')
    .catch(() => ({ readableStreamBody: undefined }));
  const chunks: Buffer[] = [];
  for await (const chunk of readableStreamBody ?? []) chunks.push(Buffer.from(chunk));
  return { ...task.executionInfo, output: Buffer.concat(chunks).toString('utf8') };
}
const output = (
  filePattern: string,
  path: string | undefined,
  uploadCondition: OutputFile['uploadOptions']['uploadCondition'] = 'taskcompletion',
  containerUrl = at('box'),
): OutputFile => ({
  filePattern,
  destination: { container: { containerUrl, path } },
  uploadOptions: { uploadCondition },
});

describe('resource files', () => {
  it('come from blobs, containers and the account’s own containers, with modes and folders', async () => {
    await put('in/a.txt', 'A');
    await put('in/deep/b.txt', 'B');
    await put('other.txt', 'C');
    const resourceFiles = [
      { httpUrl: at('box/in/a.txt'), filePath: 'one/a.txt', fileMode: '0640' },
      { storageContainerUrl: at('box'), blobPrefix: 'in/', filePath: 'some' },
      { autoStorageContainerName: 'box', blobPrefix: 'other' },
    ];
    const { exitCode, output } = await run('find . -type f | sort | xargs stat -c "%n %a"', {
      resourceFiles,
    });
    expect(exitCode).toBe(0);
    expect(output.trim().split('\n')).toEqual([
      './one/a.txt 640',
      './other.txt 770',
      './some/in/a.txt 770',
      './some/in/deep/b.txt 770',
    ]);
  });

  it('that are not there fail the task before its process, by the name of what is missing', async () => {
    const failures: [ResourceFile, string][] = [
      [{ httpUrl: at('box/nothing'), filePath: 'x' }, 'BlobNotFound'],
      [{ httpUrl: at('box/in/a.txt?sig=wrong'), filePath: 'x' }, 'BlobAccessDenied'],
      [{ storageContainerUrl: at('nothing') }, 'ResourceContainerNotFound'],
      [{ autoStorageContainerName: 'nothing' }, 'ResourceContainerNotFound'],
      [{ storageContainerUrl: at('box?sig=wrong') }, 'ResourceContainerAccessDenied'],
    ];
    for (const [file, code] of failures) {
      const end = await run('true', { resourceFiles: [file] });
      expect(end.failureInfo).toMatchObject({ category: 'usererror', code });
      expect(end.exitCode).toBeUndefined();
    }
  });

  it('are refused with a code of their own where the list is too long', async () => {
    const file = { httpUrl: at('box/in/a.txt'), filePath: 'x' };
    const task = (length: number) => ({
      id: `list-${String(length)}`,
      commandLine: '/bin/true',
      resourceFiles: Array.from({ length }, () => file),
    });
    await expect(client.task.add('job', task(1001))).rejects.toMatchObject({
      statusCode: 413,
      code: 'RequestEntityTooLarge',
    });
    const { value } = await client.task.addCollection('job', [task(1001), task(1000)]);
    const results = value?.map(({ taskId, status, error }) => [taskId, status, error?.code]);
    expect(results).toEqual([
      ['list-1001', expect.stringMatching(/clienterror/i), 'RequestEntityTooLarge'],
      ['list-1000', expect.stringMatching(/success/i), undefined],
    ]);
  });
});

describe('output files', () => {
  it('follow their conditions, patterns and paths', async () => {
    const script =
      'mkdir -p out/sub; echo 1 > out/a.txt; echo 2 > out/sub/b.txt; echo 3 > out/.c.txt; echo said; exit';
    const outputFiles = (to: string) => [
      output('out/a.txt', `${to}/single.txt`),
      output('out/**/*.txt', `${to}/all`),
      output('../std*.txt', `${to}/std`),
      output('$AZ_BATCH_TASK_WORKING_DIR/out/?.txt', `${to}/by-variable`),
      output('out/a.txt', `${to}/success.txt`, 'tasksuccess'),
      output('out/a.txt', `${to}/failure.txt`, 'taskfailure'),
      output('none/*', `${to}/none`),
    ];
    expect(await run(`${script} 0`, { outputFiles: outputFiles('good') })).toMatchObject({
      result: 'success',
    });
    const common = [
      'all/a.txt',
      'all/sub/b.txt',
      'by-variable/a.txt',
      'single.txt',
      'std/stderr.txt',
      'std/stdout.txt',
    ];
    const below = (to: string, more: string) =>
      [...common, more].map((name) => `${to}/${name}`).sort();
    expect(await names('good/')).toEqual(below('good', 'success.txt'));
    expect(await text('good/std/stdout.txt')).toBe('said\n');
    expect(await run(`${script} 3`, { outputFiles: outputFiles('bad') })).toMatchObject({
      exitCode: 3,
      result: 'failure',
      failureInfo: { code: 'FailureExitCode' },
    });
    expect(await names('bad/')).toEqual(below('bad', 'failure.txt'));
  });

  it('that can’t be uploaded fail the task, which keeps its exit code', async () => {
    for (const [url, code] of [
      [at('nothing'), 'FileUploadContainerNotFound'],
      [at('box?sig=wrong'), 'FileUploadAccessDenied'],
      [at('application-packages'), 'FileUploadAccessDenied'],
    ] as const) {
      const outputFiles = [output('../stdout.txt', 'x', 'taskcompletion', url)];
      expect(await run('echo x', { outputFiles })).toMatchObject({
        exitCode: 0,
        result: 'failure',
        failureInfo: { code },
      });
    }
  });
});

describe('large files', () => {
  /** Resident memory of every process of the stack, in bytes. */
  const memory = () =>
    [controller.pid, ...processesOf(controller.dataDirectory)].map((pid) => {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
    });

  it('stream in and out, whole and in blocks, and memory stays flat', async () => {
    const size = 160 * MEBIBYTE;
    const md5 = createHash('md5');
    const source = Readable.from(
      (function* () {
        for (let sent = 0; sent < size; sent += MEBIBYTE) {
          const chunk = Buffer.alloc(MEBIBYTE, sent / MEBIBYTE);
          md5.update(chunk);
          yield chunk;
        }
      })(),
    );
    const before = Math.max(...memory());
    await box.getBlockBlobClient('large').uploadStream(source, 4 * MEBIBYTE, 3);
    const sum = md5.digest();
    const { contentLength, contentMD5 } = await box.getBlobClient('large').getProperties();
    expect(contentLength).toBe(size);
    expect(Buffer.from(contentMD5 ?? []).equals(sum)).toBe(true);
    const end = await run('md5sum large; cp large copy', {
      resourceFiles: [{ httpUrl: at('box/large'), filePath: 'large' }],
      outputFiles: [output('copy', 'large-copy')],
    });
    expect(end).toMatchObject({ exitCode: 0, result: 'success' });
    expect(end.output).toContain(sum.toString('hex'));
    const copy = await box.getBlobClient('large-copy').getProperties();
    expect(Buffer.from(copy.contentMD5 ?? []).equals(sum)).toBe(true);
    expect(Math.max(...memory()) - before).toBeLessThan(110 * MEBIBYTE);
  });
});

describe('the storage client', () => {
  it('keeps types and metadata, reads ranges, lists by folder and page, and deletes', async () => {
    const blob = box.getBlockBlobClient('kept/ä b.json');
    await blob.upload('{"a":1}', 7, {
      blobHTTPHeaders: { blobContentType: 'application/json', blobCacheControl: 'no-cache' },
      metadata: { owner: 'me' },
    });
    expect(await blob.getProperties()).toMatchObject({
      contentType: 'application/json',
      cacheControl: 'no-cache',
      metadata: { owner: 'me' },
      blobType: 'BlockBlob',
    });
    expect((await blob.downloadToBuffer(1, 3)).toString()).toBe('"a"');
    await put('kept/sub/x', 'x');
    await put('kept/sub/y', 'y');
    const items: string[] = [];
    for await (const item of box.listBlobsByHierarchy('/', { prefix: 'kept/' }))
      items.push(`${item.kind} ${item.name}`);
    expect(items.sort()).toEqual(['blob kept/ä b.json', 'prefix kept/sub/']);
    const pages: number[] = [];
    for await (const page of box.listBlobsFlat({ prefix: 'kept/' }).byPage({ maxPageSize: 2 }))
      pages.push(page.segment.blobItems.length);
    expect(pages).toEqual([2, 1]);
    await expect(blob.upload('x', 1, { conditions: { ifNoneMatch: '*' } })).rejects.toMatchObject({
      statusCode: 409,
      code: 'BlobAlreadyExists',
    });
    const blocks = box.getBlockBlobClient('blocks');
    const id = (name: string) => Buffer.from(name).toString('base64');
    await blocks.stageBlock(id('1'), 'one', 3);
    await blocks.stageBlock(id('2'), 'two', 3);
    expect(await blocks.exists()).toBe(false);
    await expect(blocks.commitBlockList([id('1'), id('3')])).rejects.toMatchObject({
      statusCode: 400,
      code: 'InvalidBlockList',
    });
    await blocks.commitBlockList([id('2'), id('1')]);
    expect(await text('blocks')).toBe('twoone');
    expect((await blob.deleteIfExists()).succeeded).toBe(true);
    expect((await blob.deleteIfExists()).succeeded).toBe(false);
    expect((await container('fresh').createIfNotExists()).succeeded).toBe(true);
    expect((await container('fresh').createIfNotExists()).succeeded).toBe(false);
    expect(await container('fresh').exists()).toBe(true);
    await container('fresh').delete();
    expect(await container('fresh').exists()).toBe(false);
  });
});
