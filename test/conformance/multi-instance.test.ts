import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BatchServiceClient } from '@azure/batch';
import { batchClient } from '../support/client.js';
import { signedRequest } from '../support/signed-request.js';
import { processesOf, startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';
import { waitFor } from '../support/wait-for.js';

const poolOf = (id: string, targetDedicatedNodes: number, more: object = {}) => ({
  id,
  vmSize: 'standard_d2_v2',
  targetDedicatedNodes,
  enableInterNodeCommunication: true,
  virtualMachineConfiguration: {
    imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local' },
    nodeAgentSKUId: 'batch.node.process',
  },
  ...more,
});
const sh = (script: string) => `/bin/sh -c '${script}'`;
const group = (numberOfInstances: number, coordination = 'true') => ({
  multiInstanceSettings: { numberOfInstances, coordinationCommandLine: sh(coordination) },
});

let controller: StartedController;
let client: BatchServiceClient;
beforeAll(async () => {
  controller = await startController({ configuration: {} });
  client = batchClient(controller);
  await client.pool.add(poolOf('trio', 3));
  await client.pool.add(poolOf('apart', 2, { enableInterNodeCommunication: false }));
  await client.pool.add(poolOf('wide', 2, { taskSlotsPerNode: 2 }));
  for (const id of ['job', 'other']) await client.job.add({ id, poolInfo: { poolId: 'trio' } });
});
afterAll(() => controller.stop());

const ended = (jobId: string, taskId: string) =>
  waitFor(`${taskId} to complete`, async () => {
    const task = await client.task.get(jobId, taskId);
    return task.state === 'completed' && task;
  });
const stateOf = async (jobId: string, taskId: string) =>
  (await client.task.get(jobId, taskId)).state;
const idle = (poolId: string, count: number) =>
  waitFor(`${count} idle nodes`, async () => {
    const nodes = await client.computeNode.list(poolId);
    return nodes.filter(({ state }) => state === 'idle').length === count && nodes;
  });
const read = async (path: string) => (await signedRequest(controller, 'GET', path)).text;
const onNode = (nodeId: string | undefined, path: string) =>
  read(`/pools/trio/nodes/${nodeId ?? ''}/files/${path}`);
const subtasksOf = async (jobId: string, taskId: string) =>
  (await client.task.listSubtasks(jobId, taskId)).value ?? [];

describe('a multi-instance task', () => {
  it('runs its coordination command everywhere, then its command line on the primary alone', async () => {
    await idle('trio', 3);
    await client.task.add('job', {
      id: 'whole',
      commandLine: sh('cat $AZ_BATCH_TASK_SHARED_DIR/here; env | grep -e AZ_ -e CCP | sort'),
      resourceFiles: [{ httpUrl: `${controller.url}/healthz`, filePath: 'own.json' }],
      multiInstanceSettings: {
        numberOfInstances: 3,
        coordinationCommandLine: sh(
          'echo $AZ_BATCH_IS_CURRENT_NODE_MASTER > $AZ_BATCH_TASK_SHARED_DIR/here; echo coordinated; ls $AZ_BATCH_TASK_SHARED_DIR',
        ),
        commonResourceFiles: [{ httpUrl: `${controller.url}/healthz`, filePath: 'common.json' }],
      },
    });
    const task = await ended('job', 'whole');
    expect(task.executionInfo).toMatchObject({ exitCode: 0, result: 'success' });
    const subtasks = await subtasksOf('job', 'whole');
    expect(subtasks.map(({ id }) => id)).toEqual([1, 2]);
    const nodes = [task.nodeInfo?.nodeId, ...subtasks.map(({ nodeInfo }) => nodeInfo?.nodeId)];
    expect(new Set(nodes).size).toBe(3);
    for (const one of subtasks) {
      expect(one).toMatchObject({ state: 'completed', exitCode: 0, result: 'success' });
      const root = `workitems/job/job-1/whole`;
      expect(one.nodeInfo?.taskRootDirectory).toBe(`${root}/${String(one.id)}`);
      const { nodeId } = one.nodeInfo ?? {};
      expect(await onNode(nodeId, `${root}/here`)).toBe('false\n');
      expect(await onNode(nodeId, `${root}/common.json`)).toContain('ok');
      expect(await onNode(nodeId, `${root}/${String(one.id)}/stdout.txt`)).toContain('coordinated');
    }
    const output = await read('/jobs/job/tasks/whole/files/stdout.txt');
    expect(await read('/jobs/job/tasks/whole/files/wd/own.json')).toContain('ok');
    const lines = output.split('\n');
    const hosts = /AZ_BATCH_HOST_LIST=(.+)/.exec(output)?.[1]?.split(',') ?? [];
    expect(hosts).toHaveLength(3);
    expect(lines).toEqual(
      expect.arrayContaining([
        'true',
        'AZ_BATCH_IS_CURRENT_NODE_MASTER=true',
        `AZ_BATCH_NODE_LIST=${hosts.join(';')}`,
        `AZ_BATCH_MASTER_NODE=${hosts[0] ?? ''}:6000`,
        `CCP_NODES=3 ${hosts.map((host) => `${host} 2`).join(' ')}`,
      ]),
    );
    expect(output).toMatch(/AZ_BATCH_TASK_SHARED_DIR=.*workitems\/job\/job-1\/whole\n/);
    for (const { id, recentTasks = [] } of await idle('trio', 3))
      expect(recentTasks).toMatchObject([
        {
          jobId: 'job',
          taskId: 'whole',
          subtaskId: nodes.indexOf(id),
          taskState: 'completed',
          executionInfo: { exitCode: 0, result: 'success', retryCount: 0 },
        },
      ]);
  });

  it('takes all its nodes at once, and smaller tasks do not keep it waiting', async () => {
    await idle('trio', 3);
    await client.task.add('job', { id: 'busy', commandLine: sh('sleep 1') });
    await waitFor('a busy node', async () => (await stateOf('job', 'busy')) === 'running');
    await client.task.add('job', {
      id: 'all',
      commandLine: sh('sleep 0.3'),
      ...group(3),
    });
    await client.task.addCollection(
      'other',
      Array.from({ length: 6 }, (_, n) => ({ id: `small${n}`, commandLine: sh('sleep 0.5') })),
    );
    const seen: string[] = [];
    await waitFor('the large task to run', async () => {
      for (const { id, state } of await client.task.list('other'))
        if (state !== 'active') seen.push(id ?? '');
      return (await stateOf('job', 'all')) !== 'active';
    });
    expect(seen).toEqual([]);
    const all = await ended('job', 'all');
    const busy = await ended('job', 'busy');
    expect(all.executionInfo?.startTime?.getTime()).toBeGreaterThanOrEqual(
      busy.executionInfo?.endTime?.getTime() ?? Infinity,
    );
    for (let n = 0; n < 6; n += 1) await ended('other', `small${n}`);
  });

  it('keeps what its coordination commands began until the primary ends, and no longer', async () => {
    await idle('trio', 3);
    const coordination = 'sleep 987 & echo $! > $AZ_BATCH_TASK_SHARED_DIR/pid';
    await client.task.add('job', {
      id: 'service',
      commandLine: sh('sleep 1'),
      ...group(3, coordination),
    });
    const sleepers = () => processesOf(controller.dataDirectory).length;
    const { nodeInfo } = await waitFor('the subtasks', async () => {
      const found = await subtasksOf('job', 'service');
      return found.every(({ state }) => state === 'completed') && found[0];
    });
    const during = sleepers();
    expect(nodeInfo?.nodeId).toContain('tvmps_');
    await ended('job', 'service');
    await idle('trio', 3);
    expect(sleepers()).toBeLessThanOrEqual(during - 3);
  });

  it('fails, after its retries, with a subtask that fails', async () => {
    await idle('trio', 3);
    const coordination = 'test "$AZ_BATCH_IS_CURRENT_NODE_MASTER" = true || exit 4';
    const constraints = { maxTaskRetryCount: 1 };
    const body = { commandLine: sh('exit 0'), constraints };
    await client.task.add('job', { id: 'fails', ...body, ...group(2, coordination) });
    const { executionInfo } = await ended('job', 'fails');
    expect(executionInfo).toMatchObject({
      result: 'failure',
      retryCount: 1,
      failureInfo: { category: 'usererror', code: 'FailureExitCode' },
    });
    expect(await subtasksOf('job', 'fails')).toMatchObject([
      { id: 1, state: 'completed', exitCode: 4, result: 'failure' },
    ]);
    const other = 'test "$AZ_BATCH_IS_CURRENT_NODE_MASTER" != true || exit 5';
    await client.task.add('job', { id: 'fails2', ...body, ...group(2, other) });
    const second = (await ended('job', 'fails2')).executionInfo;
    expect(second).toMatchObject({ result: 'failure', retryCount: 1, exitCode: 5 });
    await client.task.add('job', { id: 'exits', ...body, commandLine: sh('exit 6'), ...group(2) });
    const third = (await ended('job', 'exits')).executionInfo;
    expect(third).toMatchObject({ result: 'failure', retryCount: 1, exitCode: 6 });
    await idle('trio', 3);
  });

  it('is terminated, requeued and deleted as a whole', async () => {
    const nodes = await idle('trio', 3);
    const long = { commandLine: sh('sleep 300'), ...group(3) };
    const run = (id: string) =>
      waitFor('the task to run', async () => (await stateOf('job', id)) === 'running');
    await client.task.add('job', { id: 'ends', ...long });
    await run('ends');
    await client.task.terminate('job', 'ends');
    const { executionInfo } = await ended('job', 'ends');
    expect(executionInfo?.failureInfo?.code).toBe('TaskEnded');
    await idle('trio', 3);
    await client.task.add('job', { id: 'again', ...long });
    await run('again');
    await client.job.disable('job', 'requeue');
    await waitFor(
      'the job to rest',
      async () => (await client.job.get('job')).state === 'disabled',
    );
    expect(await client.task.get('job', 'again')).toMatchObject({
      state: 'active',
      executionInfo: { requeueCount: 1 },
    });
    await idle('trio', 3);
    await client.job.enable('job');
    await run('again');
    await client.task.deleteMethod('job', 'again');
    await idle('trio', 3);
    for (const { id } of nodes) {
      const path = `/pools/trio/nodes/${id ?? ''}/files/workitems/job/job-1/again`;
      await waitFor('its files to go', async () => {
        return (await signedRequest(controller, 'HEAD', path)).status === 404;
      });
    }
  });

  it('stays active where its pool can never run it, and lets others pass', async () => {
    for (const poolId of ['apart', 'wide', 'trio']) {
      await client.job.add({ id: `in-${poolId}`, poolInfo: { poolId } });
      await client.task.add(`in-${poolId}`, {
        id: 'never',
        commandLine: sh('true'),
        ...group(poolId === 'trio' ? 4 : 2),
      });
      await client.task.add(`in-${poolId}`, { id: 'after', commandLine: sh('true') });
      await ended(`in-${poolId}`, 'after');
      expect(await stateOf(`in-${poolId}`, 'never')).toBe('active');
      expect(await subtasksOf(`in-${poolId}`, 'never')).toEqual([]);
    }
    await client.pool.resize('trio', { targetDedicatedNodes: 4 });
    expect((await ended('in-trio', 'never')).executionInfo?.exitCode).toBe(0);
  });

  it('survives the controller', async () => {
    await idle('trio', 4);
    const commandLine = sh('while [ ! -e $AZ_BATCH_NODE_SHARED_DIR/go ]; do sleep 0.1; done');
    const coordination = 'sleep 0.5; touch $AZ_BATCH_NODE_SHARED_DIR/go';
    await client.task.add('job', { id: 'lives', commandLine, ...group(4, coordination) });
    await waitFor('the task to run', async () => (await stateOf('job', 'lives')) === 'running');
    await controller.restart();
    const { executionInfo } = await ended('job', 'lives');
    expect(executionInfo).toMatchObject({ exitCode: 0, requeueCount: 0, retryCount: 0 });
    expect((await subtasksOf('job', 'lives')).map(({ exitCode }) => exitCode)).toEqual([0, 0, 0]);
    await idle('trio', 4);
  });
});
