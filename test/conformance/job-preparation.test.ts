import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BatchServiceClient, BatchServiceModels } from '@azure/batch';
import { batchClient } from '../support/client.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';
import { waitFor } from '../support/wait-for.js';

const machine = {
  imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local' },
  nodeAgentSKUId: 'batch.node.process',
};
const sh = (script: string) => `/bin/sh -c '${script}'`;

let controller: StartedController;
let client: BatchServiceClient;
beforeAll(async () => {
  controller = await startController();
  client = batchClient(controller);
  await client.pool.add({
    id: 'nodes',
    vmSize: 'standard_d1_v2',
    virtualMachineConfiguration: machine,
    targetDedicatedNodes: 2,
  });
  await waitFor('two idle nodes', async () => {
    const nodes = await client.computeNode.list('nodes');
    return nodes.filter(({ state }) => state === 'idle').length === 2;
  });
});
afterAll(() => controller.stop());

const poolInfo = { poolId: 'nodes' };
const stateOfTask = async (jobId: string, taskId: string) =>
  (await client.task.get(jobId, taskId)).state;
const completed = (jobId: string, ...taskIds: string[]) =>
  waitFor('the tasks to complete', async () => {
    const states = await Promise.all(taskIds.map((id) => stateOfTask(jobId, id)));
    return states.every((state) => state === 'completed');
  });
const ended = (jobId: string) =>
  waitFor('the job to end', async () => (await client.job.get(jobId)).state === 'completed');
const statusOf = (
  jobId: string,
  jobListPreparationAndReleaseTaskStatusOptions?: BatchServiceModels.JobListPreparationAndReleaseTaskStatusOptions,
) =>
  client.job.listPreparationAndReleaseTaskStatus(jobId, {
    jobListPreparationAndReleaseTaskStatusOptions,
  });
async function textOf(nodeId: string, path: string): Promise<string> {
  const { readableStreamBody: body } = await client.file.getFromComputeNode('nodes', nodeId, path);
  const chunks: Buffer[] = [];
  for await (const chunk of body ?? []) chunks.push(Buffer.from(chunk as Buffer));
  return Buffer.concat(chunks).toString();
}

describe('preparation and release tasks', () => {
  it('frame the tasks of a job on each node, and their files can be read there', async () => {
    const added = await client.job.add({
      id: 'framed',
      poolInfo,
      commonEnvironmentSettings: [{ name: 'COMMON', value: 'shared' }],
      jobPreparationTask: { commandLine: sh('echo prepared $COMMON $AZ_BATCH_TASK_ID > data') },
      jobReleaseTask: {
        commandLine: sh('cat $AZ_BATCH_JOB_PREP_WORKING_DIR/data; echo released'),
      },
    });
    expect(added._response.status).toBe(201);
    expect(await client.job.get('framed')).toMatchObject({
      jobPreparationTask: {
        id: 'jobpreparation',
        waitForSuccess: true,
        rerunOnNodeRebootAfterSuccess: true,
        constraints: { maxTaskRetryCount: 0 },
      },
      jobReleaseTask: { id: 'jobrelease' },
    });
    expect(await statusOf('framed')).toHaveLength(0);
    const script =
      'cat $AZ_BATCH_JOB_PREP_WORKING_DIR/data $AZ_BATCH_JOB_PREP_DIR/wd/data; sleep 0.5';
    await client.task.addCollection('framed', [
      { id: 'one', commandLine: sh(script) },
      { id: 'two', commandLine: sh(script) },
    ]);
    await completed('framed', 'one', 'two');
    for (const id of ['one', 'two']) {
      const { executionInfo, previousState } = await client.task.get('framed', id);
      expect(executionInfo).toMatchObject({ exitCode: 0, result: 'success' });
      expect(previousState).toBe('running');
    }
    const prepared = await statusOf('framed');
    expect(prepared.length).toBeGreaterThan(0);
    for (const entry of prepared) {
      expect(entry.poolId).toBe('nodes');
      expect(entry.nodeUrl).toBe(`${controller.url}/pools/nodes/nodes/${entry.nodeId}`);
      expect(entry.jobPreparationTaskExecutionInfo).toMatchObject({
        state: 'completed',
        exitCode: 0,
        retryCount: 0,
        result: 'success',
        taskRootDirectory: 'workitems/framed/job-1/jobpreparation',
      });
      expect(entry.jobReleaseTaskExecutionInfo).toBeUndefined();
    }
    await client.job.terminate('framed');
    await ended('framed');
    const released = await statusOf('framed');
    expect(released).toHaveLength(prepared.length);
    for (const { nodeId, jobReleaseTaskExecutionInfo: info } of released) {
      expect(info).toMatchObject({ state: 'completed', exitCode: 0, result: 'success' });
      const path = `${info?.taskRootDirectory ?? ''}/stdout.txt`;
      expect(await textOf(nodeId ?? '', path)).toBe('prepared shared jobpreparation\nreleased\n');
    }
    await client.job.deleteMethod('framed');
    await waitFor('the job to go', () =>
      client.job.get('framed').then(
        () => false,
        ({ statusCode }: { statusCode: number }) => statusCode === 404,
      ),
    );
  });

  it('whose preparation fails leave the task waiting and show why', async () => {
    await client.job.add({
      id: 'unprepared',
      poolInfo,
      jobPreparationTask: {
        id: 'Prepare',
        commandLine: sh('exit 7'),
        constraints: { maxTaskRetryCount: 1 },
      },
    });
    await client.task.add('unprepared', { id: 'never', commandLine: '/bin/true' });
    await waitFor('both nodes to fail', async () => {
      const entries = await statusOf('unprepared');
      return (
        entries.length === 2 &&
        entries.every((one) => one.jobPreparationTaskExecutionInfo?.state === 'completed')
      );
    });
    for (const { jobPreparationTaskExecutionInfo: info } of await statusOf('unprepared')) {
      expect(info).toMatchObject({
        exitCode: 7,
        result: 'failure',
        retryCount: 1,
        failureInfo: { category: 'usererror', code: 'FailureExitCode' },
      });
      expect(info?.lastRetryTime).toEqual(info?.startTime);
    }
    expect(await client.task.get('unprepared', 'never')).toMatchObject({ state: 'active' });
    expect((await client.job.get('unprepared')).state).toBe('active');
    await client.job.deleteMethod('unprepared');
  });

  it('hold their task in preparing, which has its node but no files there yet', async () => {
    const jobPreparationTask = { commandLine: sh('sleep 60') };
    await client.job.add({ id: 'held', poolInfo, jobPreparationTask });
    await client.task.add('held', { id: 't', commandLine: '/bin/true' });
    const task = await waitFor('the task to be prepared for', async () => {
      const one = await client.task.get('held', 't');
      return one.state === 'preparing' && one;
    });
    expect(task.executionInfo).toEqual({ retryCount: 0, requeueCount: 0 });
    expect(task.nodeInfo?.taskRootDirectory).toBe('workitems/held/job-1/t');
    for (const read of [
      () => client.file.listFromTask('held', 't'),
      () => client.file.deleteFromTask('held', 't', 'stdout.txt'),
    ])
      await expect(read()).rejects.toMatchObject({ statusCode: 409, code: 'TaskFilesUnavailable' });
    await client.job.deleteMethod('held');
  });

  it('are listed in pages, filtered and selected', async () => {
    await client.job.add({
      id: 'paged',
      poolInfo,
      jobPreparationTask: { commandLine: '/bin/true', waitForSuccess: false },
    });
    await client.task.addCollection('paged', [
      { id: 'one', commandLine: sh('sleep 1') },
      { id: 'two', commandLine: sh('sleep 1') },
    ]);
    await completed('paged', 'one', 'two');
    const first = await statusOf('paged', { maxResults: 1 });
    expect(first).toHaveLength(1);
    const rest = await client.job.listPreparationAndReleaseTaskStatusNext(
      first.odatanextLink ?? '',
    );
    expect(rest).toHaveLength(1);
    expect(rest[0]?.nodeId).not.toBe(first[0]?.nodeId);
    const [chosen] = await statusOf('paged', {
      filter: `nodeId eq '${first[0]?.nodeId ?? ''}' and jobPreparationTaskExecutionInfo/result eq 'success'`,
      select: 'nodeId, poolId',
    });
    expect(Object.keys(chosen ?? {}).sort()).toEqual(['nodeId', 'poolId']);
    expect(
      await statusOf('paged', { filter: 'jobPreparationTaskExecutionInfo/exitCode gt 0' }),
    ).toHaveLength(0);
    await client.job.deleteMethod('paged');
  });

  it('are refused where they can not be', async () => {
    const add = (body: object) => client.job.add({ id: 'refused', poolInfo, ...body });
    await expect(add({ jobReleaseTask: { commandLine: 'x' } })).rejects.toMatchObject({
      statusCode: 400,
    });
    await expect(
      add({
        jobPreparationTask: { commandLine: 'x' },
        jobReleaseTask: { commandLine: 'x', maxWallClockTime: 'PT16M' },
      }),
    ).rejects.toMatchObject({ statusCode: 400 });
    await client.job.add({ id: 'plain', poolInfo });
    await expect(statusOf('plain')).rejects.toMatchObject({
      statusCode: 409,
      code: 'JobPreparationTaskOrReleaseTaskNotSpecified',
    });
    await client.job.add({
      id: 'special',
      poolInfo,
      jobPreparationTask: { commandLine: 'x' },
      jobReleaseTask: { id: 'Bye', commandLine: 'x' },
    });
    await expect(
      client.task.add('special', { id: 'JobPreparation', commandLine: 'x' }),
    ).rejects.toMatchObject({ statusCode: 409, code: 'TaskIdSameAsJobPreparationTask' });
    await expect(client.task.add('special', { id: 'bye', commandLine: 'x' })).rejects.toMatchObject(
      { statusCode: 409, code: 'TaskIdSameAsJobReleaseTask' },
    );
  });

  it('of a schedule have their directories below its name, and are remembered for gone nodes', async () => {
    await client.pool.add({
      id: 'passing',
      vmSize: 'standard_d1_v2',
      virtualMachineConfiguration: machine,
      targetDedicatedNodes: 1,
    });
    await client.jobSchedule.add({
      id: 'Daily',
      schedule: {},
      jobSpecification: {
        poolInfo: { poolId: 'passing' },
        jobPreparationTask: { commandLine: '/bin/true' },
        jobReleaseTask: { commandLine: '/bin/true' },
      },
    });
    const jobId = 'Daily:job-1';
    await client.task.add(jobId, { id: 'only', commandLine: '/bin/true' });
    await completed(jobId, 'only');
    await client.pool.deleteMethod('passing');
    await waitFor('the pool to go', async () => !(await client.pool.exists('passing')).body);
    await client.job.terminate(jobId);
    await ended(jobId);
    const [entry, ...others] = await statusOf(jobId);
    expect(others).toEqual([]);
    expect(entry?.poolId).toBe('passing');
    expect(entry?.jobPreparationTaskExecutionInfo?.taskRootDirectory).toBe(
      'workitems/Daily/job-1/jobpreparation',
    );
    expect(entry?.jobReleaseTaskExecutionInfo).toBeUndefined();
    await client.jobSchedule.deleteMethod('Daily');
  });

  it('prepare a node again after its reboot unless told not to, and release it when the job is deleted', async () => {
    const nodes = await client.computeNode.list('nodes');
    const [nodeId = '', other = ''] = nodes.map(({ id }) => id);
    await client.computeNode.disableScheduling('nodes', other);
    await client.job.add({
      id: 'rebooted',
      poolInfo,
      jobPreparationTask: { commandLine: '/bin/true' },
      jobReleaseTask: { commandLine: sh('touch $AZ_BATCH_NODE_SHARED_DIR/released') },
    });
    await client.job.add({
      id: 'once',
      poolInfo,
      jobPreparationTask: { commandLine: '/bin/true', rerunOnNodeRebootAfterSuccess: false },
    });
    const run = async (jobId: string, id: string) => {
      await client.task.add(jobId, { id, commandLine: '/bin/true' });
      await completed(jobId, id);
      const [entry] = await statusOf(jobId);
      return entry?.jobPreparationTaskExecutionInfo?.startTime.getTime() ?? 0;
    };
    const first = await run('rebooted', 'before');
    const firstOnce = await run('once', 'before');
    const { lastBootTime: boot } = await client.computeNode.get('nodes', nodeId);
    await client.computeNode.reboot('nodes', nodeId);
    await waitFor('the node to be back', async () => {
      const { state, lastBootTime } = await client.computeNode.get('nodes', nodeId);
      return state === 'idle' && lastBootTime?.getTime() !== boot?.getTime();
    });
    expect(await run('rebooted', 'after')).toBeGreaterThan(first);
    expect(await run('once', 'after')).toBe(firstOnce);
    await client.job.deleteMethod('once');
    await client.job.deleteMethod('rebooted');
    await waitFor('the node to be released', () =>
      textOf(nodeId, 'shared/released').then(
        () => true,
        () => false,
      ),
    );
    await client.computeNode.enableScheduling('nodes', other);
  });
});
