import { readFileSync } from 'node:fs';
import type { BatchServiceClient, TaskAddParameter } from '@azure/batch';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { batchClient } from '../support/client.js';
import { ImageRegistry } from '../support/image-registry.js';
import { sh } from '../support/process-pool.js';
import {
  libvirtRequirement,
  programs,
  requirement,
  RICH_IMAGE,
  suite,
} from '../support/requirements.js';
import type { StartedController } from '../support/start-controller.js';
import { tinyRoot } from '../support/tiny-root.js';
import { waitFor } from '../support/wait-for.js';
import { VmController } from './vm-controller.js';

const BOOT_TIMEOUT_MS = 400_000;
const STEP_TIMEOUT_MS = 240_000;
const LOGIN = { username: 'puller', password: 'secret-of-the-registry' };
/** Made on the node, of a tar file that its start task brings. */
const CARRIED = 'carried:1';
/** Its user as every built image has it. */
const POOL_USER = 0x7000_0004;
const root = { autoUser: { scope: 'pool', elevationLevel: 'admin' } } as const;
const ALONE = '--network none';

const needs = [
  await libvirtRequirement(),
  await requirement(
    'busybox',
    () => programs('busybox'),
    'apt-get install -y --no-install-recommends busybox-static',
  ),
];

suite('containers in a guest', needs, () => {
  let vms: VmController;
  let registry: ImageRegistry;
  let controller: StartedController;
  let client: BatchServiceClient;
  /** The registry, as a guest's user-mode network sees the host's loopback interface. */
  let host = '';

  beforeAll(async () => {
    vms = await VmController.start('vm-containers', {
      image: RICH_IMAGE,
      domainType: 'qemu',
      configuration: { leases: { heartbeatInterval: 'PT5S', lease: 'PT5M', grace: 'PT10S' } },
    });
    ({ controller } = vms);
    const tar = tinyRoot(vms.folder);
    registry = await ImageRegistry.start(tar, LOGIN);
    host = registry.host.replace('127.0.0.1', '10.0.2.2');
    client = batchClient(controller);
    await put('images?restype=container');
    await put('images/root.tar', readFileSync(tar));
    await addPool();
    await idle();
  }, 600_000);

  afterAll(async () => {
    await vms.stop();
    await registry?.close();
  }, 60_000);

  async function put(path: string, body?: Buffer): Promise<void> {
    const answer = await fetch(`${controller.url}/storage/${controller.account}/${path}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${controller.adminToken}`, 'x-ms-blob-type': 'BlockBlob' },
      ...(body && { body }),
    });
    expect(answer.status).toBe(201);
  }

  async function addPool(): Promise<void> {
    await client.pool.add({
      id: 'boxes',
      vmSize: 'batchyard_small',
      targetDedicatedNodes: 1,
      taskSlotsPerNode: 4,
      virtualMachineConfiguration: {
        imageReference: {
          ...{ publisher: 'batchyard', offer: 'debian' },
          ...{ sku: RICH_IMAGE.sku, version: 'latest' },
        },
        nodeAgentSKUId: 'batch.node.debian 12',
        containerConfiguration: {
          containerImageNames: [`${host}/tiny:1`],
          containerRegistries: [
            {
              registryServer: `http://${host}`,
              userName: LOGIN.username,
              password: LOGIN.password,
            },
          ],
        },
      },
      startTask: {
        commandLine: sh(
          `set -e; podman image exists ${host}/tiny:1; podman import --change ENV=PATH=/bin root.tar ${CARRIED}`,
        ),
        resourceFiles: [{ autoStorageContainerName: 'images' }],
        userIdentity: root,
        waitForSuccess: true,
      },
    });
    await client.job.add({ id: 'work', poolInfo: { poolId: 'boxes' } });
  }

  async function idle(): Promise<void> {
    await waitFor(
      'the node to be idle',
      async () => {
        const [seen] = await client.computeNode.list('boxes');
        const failure = seen?.startTaskInfo?.failureInfo ?? seen?.errors?.[0];
        if (failure !== undefined) throw new Error(JSON.stringify(failure));
        return seen?.state === 'idle' && seen;
      },
      { timeoutMs: BOOT_TIMEOUT_MS, intervalMs: 100 },
    ).catch(vms.explain);
  }

  async function text(taskId: string, name: string): Promise<string> {
    const { readableStreamBody } = await client.file.getFromTask('work', taskId, name);
    let read = '';
    for await (const part of readableStreamBody ?? []) read += String(part);
    return read;
  }

  const inImage = (imageName: string, containerRunOptions = ALONE): Partial<TaskAddParameter> => ({
    containerSettings: { imageName, containerRunOptions },
  });

  const add = (id: string, commandLine: string, more: Partial<TaskAddParameter> = {}) =>
    client.task.add('work', { id, commandLine, ...more });

  const ended = (id: string) =>
    waitFor(
      `task ${id} to complete`,
      async () => {
        const { state, executionInfo } = await client.task.get('work', id);
        return state === 'completed' && executionInfo;
      },
      { timeoutMs: STEP_TIMEOUT_MS, intervalMs: 50 },
    );

  async function run(...of: Parameters<typeof add>) {
    await add(...of);
    return ended(of[0]);
  }

  it('run in an image that the node pulled before its start task: user, directories, network, options, exit code', async () => {
    expect(registry.pulls).toBe(1);
    const look = 'pwd; id -u; ls /sys/class/net; cat /sys/fs/cgroup/memory.max';
    const script = `echo $OF_IMAGE, $OPTION; ${look}; echo made > file; exit 3`;
    const options = '--memory 64m --env "OPTION=two words"';
    expect(await run('pulled', sh(script), inImage(`${host}/tiny:1`, options))).toMatchObject({
      exitCode: 3,
      failureInfo: { code: 'FailureExitCode' },
      containerInfo: { state: 'exited' },
    });
    const wd = '/mnt/batch/tasks/workitems/work/job-1/pulled/wd';
    expect(await text('pulled', 'stdout.txt')).toBe(
      ['yes, two words', wd, POOL_USER, 'eth0', 'lo', 64 * 2 ** 20, ''].join('\n'),
    );
    expect(await text('pulled', 'wd/file')).toBe('made\n');
    await run('looks', `stat -c %U ${wd}/file`, { userIdentity: root });
    expect(await text('looks', 'stdout.txt')).toBe('_azbatch\n');
    expect(registry.pulls).toBe(1);
  });

  it('run in an image that came with the start task, and end for sure, whatever they ignore', async () => {
    const endless = 'trap "" TERM INT; sleep 701 & echo up; while true; do sleep 1; done';
    await add('stopped', sh(endless), inImage(CARRIED));
    await waitFor(
      'the container to run',
      async () => {
        const { state } = await client.task.get('work', 'stopped');
        return state === 'running' && (await text('stopped', 'stdout.txt')) === 'up\n';
      },
      { timeoutMs: STEP_TIMEOUT_MS },
    );
    await run('before', sh('ps -eo args | grep -c "^sleep 701"'));
    expect(await text('before', 'stdout.txt')).toBe('1\n');
    await client.task.terminate('work', 'stopped');
    expect(await ended('stopped')).toMatchObject({
      exitCode: -9,
      failureInfo: { code: 'TaskEnded' },
    });
    const look = 'ps -eo args | grep "^sleep 701"; podman ps --all --quiet; echo looked';
    await run('after', sh(look), { userIdentity: root });
    expect(await text('after', 'stdout.txt')).toBe('looked\n');
  });

  it('fail with the contract’s code where there is no such image', async () => {
    const { failureInfo } = await run('image', sh('true'), inImage(`${host}/missing:1`));
    expect(failureInfo).toMatchObject({ category: 'usererror', code: 'ContainerInvalidImage' });
  });

  it('find their images after a reboot, though nobody can be asked for them any more', async () => {
    await registry.close();
    const [node] = await client.computeNode.list('boxes');
    await client.computeNode.reboot('boxes', node?.id ?? '');
    await waitFor(
      'the node to leave',
      async () => (await client.computeNode.list('boxes'))[0]?.state !== 'idle',
    );
    await idle();
    const again = await run('again', sh('echo $OF_IMAGE'), inImage(`${host}/tiny:1`));
    expect(again).toMatchObject({ exitCode: 0 });
    expect(await text('again', 'stdout.txt')).toBe('yes\n');
  }, 600_000);
});
