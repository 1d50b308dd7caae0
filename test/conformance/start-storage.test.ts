import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { batchClient } from '../support/client.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';
import { waitFor } from '../support/wait-for.js';

describe('the storage of an account', () => {
  let controller: StartedController;
  beforeAll(async () => {
    controller = await startController();
  });
  afterAll(async () => {
    await controller.stop();
  });
  const at = (path: string) => `${controller.url}/storage/${controller.account}/${path}`;
  const ask = (method: string, path: string, body?: string, headers: Record<string, string> = {}) =>
    fetch(at(path), {
      method,
      headers: { authorization: `Bearer ${controller.adminToken}`, ...headers },
      ...(body === undefined ? {} : { body }),
    });

  it('makes containers and keeps blobs for the admin', async () => {
    expect((await ask('PUT', 'box?restype=container')).status).toBe(201);
    expect((await ask('PUT', 'box?restype=container')).status).toBe(409);
    expect(
      (await ask('PUT', 'box/in/a.txt', 'hello', { 'x-ms-blob-type': 'BlockBlob' })).status,
    ).toBe(201);
    const whole = await ask('GET', 'box/in/a.txt');
    expect([whole.status, await whole.text()]).toEqual([200, 'hello']);
    const part = await ask('GET', 'box/in/a.txt', undefined, { range: 'bytes=1-2' });
    expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([
      206,
      'bytes 1-2/5',
      'el',
    ]);
    const head = await ask('HEAD', 'box/in/a.txt');
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '5']);
    const list = await ask('GET', 'box?restype=container&comp=list&prefix=in/');
    expect(await list.text()).toContain('<Name>in/a.txt</Name>');
  });

  it("answers with the Blob service's error codes", async () => {
    const codeOf = async (answer: Response) => /<Code>(\w+)<\/Code>/.exec(await answer.text())?.[1];
    const refusals = [
      await ask('GET', 'box/none'),
      await ask('GET', 'none/none'),
      await ask('GET', 'box/in/a.txt', undefined, { range: 'bytes=9-' }),
      await fetch(at('box/in/a.txt')),
      await fetch(at('box/in/a.txt?se=2020-01-01T00:00:00Z&sp=r&sr=b&sig=AAAA')),
    ];
    expect(refusals.map((answer) => answer.status)).toEqual([404, 404, 416, 403, 403]);
    expect(await Promise.all(refusals.map(codeOf))).toEqual([
      'BlobNotFound',
      'ContainerNotFound',
      'InvalidRange',
      'AuthenticationFailed',
      'AuthenticationFailed',
    ]);
  });

  it('gives tasks short-lived access to containers they name without a signature', async () => {
    const client = batchClient(controller);
    await client.pool.add({
      id: 'pool',
      vmSize: 'standard_d1_v2',
      virtualMachineConfiguration: {
        imageReference: {
          publisher: 'batchyard',
          offer: 'process',
          sku: 'local',
          version: 'latest',
        },
        nodeAgentSKUId: 'batch.node.process',
      },
      targetDedicatedNodes: 1,
    });
    await client.job.add({ id: 'job', poolInfo: { poolId: 'pool' } });
    await client.task.add('job', {
      id: 'task',
      commandLine: "/bin/sh -c 'cat one.txt all/in/a.txt auto/in/a.txt > out.txt'",
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
    const task = await waitFor('the task to end', async () => {
      const now = await client.task.get('job', 'task');
      return now.state === 'completed' ? now : undefined;
    });
    expect(task.executionInfo).toMatchObject({ exitCode: 0, result: 'success' });
    expect(await (await ask('GET', 'box/result/out.txt')).text()).toBe('hellohellohello');
  });
});
