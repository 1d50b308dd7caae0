import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { BatchManagementClient } from '@azure/arm-batch';
import { BlockBlobClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { batchClient } from '../support/client.js';
import { minioRequirement, startAzurite, startMinio } from '../support/object-servers.js';
import type { ObjectServer } from '../support/object-servers.js';
import { suite } from '../support/requirements.js';
import { signedRequest } from '../support/signed-request.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';
import { waitFor } from '../support/wait-for.js';
import { makeZip } from '../support/zip.js';

const SUBSCRIPTION = '00000000-0000-0000-0000-000000000000';
const GROUP = 'batchyard';
/** More than one part of a backend. */
const LARGE_BYTES = 20 * 1024 * 1024;
const POOL = {
  id: 'pool',
  vmSize: 'standard_d1_v2',
  virtualMachineConfiguration: {
    imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local' },
    nodeAgentSKUId: 'batch.node.process',
  },
  targetDedicatedNodes: 1,
};
const TOOL = [
  { name: 'tool', content: '#!/bin/sh\necho "packaged $(cat)"\n', mode: 0o100755 },
  // Does not get smaller: a package of more than one part.
  { name: 'ballast', content: randomBytes(LARGE_BYTES), mode: 0o100644 },
];

const disk = () => Promise.resolve({ settings: { kind: 'disk' }, stop: () => Promise.resolve() });

describe('storage on the disk', () => {
  linkedStorage(disk, {});
});
describe('storage in Azure Blob', () => {
  linkedStorage(startAzurite, {});
});
describe('storage in Azure Blob with direct downloads', () => {
  linkedStorage(startAzurite, { directDownloads: true, directUrlLifetime: 'PT5S' });
});
const minio = [await minioRequirement()];
suite('storage in S3', minio, () => {
  linkedStorage(startMinio, {});
});
suite('storage in S3 with direct downloads', minio, () => {
  linkedStorage(startMinio, { directDownloads: true, directUrlLifetime: 'PT5S' });
});

/** One story, the same wherever files are kept. */
function linkedStorage(
  start: () => Promise<ObjectServer<object>>,
  more: { directDownloads?: boolean; directUrlLifetime?: string },
): void {
  let server: ObjectServer<object>;
  let controller: StartedController;
  beforeAll(async () => {
    server = await start();
    const storage = { ...server.settings, ...more };
    controller = await startController({ tls: true, configuration: { storage } });
  });
  afterAll(async () => {
    await controller.stop();
    await server.stop();
  });
  const at = (path: string) => `${controller.url}/storage/${controller.account}/${path}`;
  const asAdmin = () => ({ authorization: `Bearer ${controller.adminToken}` });
  const ask = (method: string, path: string, body?: string | Buffer) =>
    fetch(at(path), {
      method,
      headers: { ...asAdmin(), 'x-ms-blob-type': 'BlockBlob' },
      ...(body === undefined ? {} : { body }),
    });
  const arm = (retryOptions: { maxRetries?: number } = {}) =>
    new BatchManagementClient(
      {
        getToken: () =>
          Promise.resolve({ token: controller.adminToken, expiresOnTimestamp: Date.now() + 1e7 }),
      },
      SUBSCRIPTION,
      {
        endpoint: controller.tlsUrl,
        tlsOptions: { ca: readFileSync(controller.caFile ?? '', 'utf8') },
        retryOptions,
      },
    );

  it('keeps containers and blobs, small and large', async () => {
    expect((await ask('PUT', 'box?restype=container')).status).toBe(201);
    expect((await ask('PUT', 'box?restype=container')).status).toBe(409);
    expect((await ask('PUT', 'box/in/a.txt', 'hello')).status).toBe(201);
    const large = Buffer.alloc(LARGE_BYTES, 'large');
    expect((await ask('PUT', 'box/in/large', large)).status).toBe(201);
    expect(await (await ask('GET', 'box/in/a.txt')).text()).toBe('hello');
    const again = Buffer.from(await (await ask('GET', 'box/in/large')).arrayBuffer());
    expect(again.equals(large)).toBe(true);
    const part = await fetch(at('box/in/large'), {
      headers: { ...asAdmin(), range: 'bytes=1-4' },
    });
    expect([part.status, await part.text()]).toEqual([206, 'arge']);
    const list = await (await ask('GET', 'box?restype=container&comp=list&prefix=in/')).text();
    expect([...list.matchAll(/<Name>([^<]*)/g)].map(([, name]) => name)).toEqual([
      'in/a.txt',
      'in/large',
    ]);
    expect((await ask('GET', 'box/none')).status).toBe(404);
    expect((await ask('GET', 'none/none')).status).toBe(404);
    expect((await ask('PUT', 'none/none', 'x')).status).toBe(404);
  });

  it('brings application packages, resource files and output files to tasks and back', async () => {
    const { applicationOperations, applicationPackageOperations } = arm();
    const { account } = controller;
    await applicationOperations.create(GROUP, account, 'tool');
    const made = await applicationPackageOperations.create(GROUP, account, 'tool', '1');
    // The storage client trusts what the machine trusts; the same storage is there without TLS.
    const url = (made.storageUrl ?? '').replace(controller.tlsUrl ?? '', controller.url);
    const zip = makeZip(TOOL);
    await new BlockBlobClient(url).upload(zip, zip.length);
    const format = { format: 'zip' };
    await applicationPackageOperations.activate(GROUP, account, 'tool', '1', format);
    const client = batchClient(controller);
    await client.pool.add(POOL);
    await client.job.add({ id: 'job', poolInfo: { poolId: 'pool' } });
    await client.task.add('job', {
      id: 'task',
      commandLine:
        "/bin/sh -c 'cat one.txt all/in/a.txt auto/in/a.txt | $AZ_BATCH_APP_PACKAGE_tool_1/tool > out.txt && cmp auto/in/large all/in/large'",
      applicationPackageReferences: [{ applicationId: 'tool', version: '1' }],
      resourceFiles: [
        { httpUrl: at('box/in/a.txt'), filePath: 'one.txt' },
        { storageContainerUrl: at('box'), blobPrefix: 'in/', filePath: 'all' },
        { autoStorageContainerName: 'box', filePath: 'auto' },
      ],
      outputFiles: [
        {
          filePattern: 'out.txt',
          destination: { container: { containerUrl: at('box'), path: 'result/out.txt' } },
          uploadOptions: { uploadCondition: 'tasksuccess' },
        },
      ],
    });
    const task = await waitFor(
      'the task to end',
      async () => {
        const now = await client.task.get('job', 'task');
        return now.state === 'completed' && now;
      },
      { timeoutMs: 50_000 },
    );
    expect(task.executionInfo).toMatchObject({ exitCode: 0, result: 'success' });
    const result = await (await ask('GET', 'box/result/out.txt')).text();
    expect(result).toBe('packaged hellohellohello\n');
  });

  it('keeps outputs of tasks beyond their node', async () => {
    const client = batchClient(controller);
    const commandLine = "/bin/sh -c 'seq 1 3000; echo why >&2'";
    await client.task.add('job', { id: 'long', commandLine });
    await waitFor('the task to end', async () => {
      return (await client.task.get('job', 'long')).state === 'completed';
    });
    await client.pool.resize('pool', { targetDedicatedNodes: 0 });
    await waitFor('the node to be gone', async () => {
      return (await client.computeNode.list('pool')).length === 0;
    });
    const files = '/jobs/job/tasks/long/attempts/1/files';
    const log = (file: string) => signedRequest(controller, 'GET', `${files}/${file}`);
    expect((await log('stdout.txt')).text).toMatch(/^1\n2\n[^]*\n3000\n$/);
    expect((await log('stderr.txt')).text).toBe('why\n');
  });

  it('forgets blobs and containers that are deleted', async () => {
    expect((await ask('DELETE', 'box/in/a.txt')).status).toBe(202);
    expect((await ask('DELETE', 'box/in/a.txt')).status).toBe(404);
    expect((await ask('DELETE', 'box?restype=container')).status).toBe(202);
    expect((await ask('GET', 'box/in/large')).status).toBe(404);
    expect((await ask('DELETE', 'box?restype=container')).status).toBe(404);
  });

  if (more.directDownloads === true) {
    it('sends downloads to the backend, by URLs that expire', async () => {
      await ask('PUT', 'direct?restype=container');
      await ask('PUT', 'direct/file', 'hello');
      const headers = asAdmin();
      const answer = await fetch(at('direct/file'), { headers, redirect: 'manual' });
      expect([answer.status, answer.headers.get('cache-control')]).toEqual([307, 'no-store']);
      const direct = answer.headers.get('location') ?? '';
      expect(new URL(direct).host).not.toBe(new URL(controller.url).host);
      expect(await (await fetch(direct)).text()).toBe('hello');
      await waitFor('the URL to expire', async () => (await fetch(direct)).status === 403);
    });
  }

  if (start !== disk) {
    it('answers 503 while the backend is away, and everything else goes on', async () => {
      expect((await ask('PUT', 'away?restype=container')).status).toBe(201);
      expect((await ask('PUT', 'away/small', 'hello')).status).toBe(201);
      // The server ends while it takes a blob: the first half has been sent, the second follows after.
      const half = Buffer.alloc(LARGE_BYTES / 2, 'half');
      let firstHalfIsRead = false;
      const body = async function* () {
        yield half;
        firstHalfIsRead = true;
        await server.stop();
        yield half;
      };
      const cut = await fetch(at('away/large'), {
        method: 'PUT',
        headers: { ...asAdmin(), 'x-ms-blob-type': 'BlockBlob' },
        body: body(),
        duplex: 'half',
      });
      expect(firstHalfIsRead).toBe(true);
      const answers = [
        cut,
        await ask('GET', 'away/small'),
        await ask('PUT', 'away/other', 'hello'),
        await ask('DELETE', 'away/small'),
        await ask('GET', 'away?restype=container&comp=list'),
        await ask('PUT', 'more?restype=container'),
      ];
      for (const answer of answers) {
        const seen = [answer.status, answer.headers.get('retry-after'), await answer.text()];
        expect(seen).toEqual([503, '5', expect.stringContaining('<Code>ServerBusy</Code>')]);
      }
      const names = [GROUP, controller.account, 'tool', '1'] as const;
      const packages = arm({ maxRetries: 0 }).applicationPackageOperations;
      await expect(packages.activate(...names, { format: 'zip' })).rejects.toMatchObject({
        statusCode: 503,
        code: 'ServerBusy',
      });
      expect(await batchClient(controller).pool.list()).toHaveLength(1);
    });
  }

  it('never tells the credentials of the backend', () => {
    const settings = server.settings as { secretAccessKey?: string; accountKey?: string };
    for (const secret of [settings.secretAccessKey, settings.accountKey])
      if (secret !== undefined) expect(controller.logs()).not.toContain(secret);
  });
}
