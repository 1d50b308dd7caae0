import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BatchServiceClient, BatchServiceModels } from '@azure/batch';
import { batchClient } from '../support/client.js';
import { LONG, PROCESS_POOL, refusal, sh, waits } from '../support/process-pool.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';

let controller: StartedController;
let client: BatchServiceClient;
let until: ReturnType<typeof waits>;
beforeAll(async () => {
  controller = await startController();
  client = batchClient(controller);
  until = waits(client);
  const size = { targetDedicatedNodes: 1, taskSlotsPerNode: 4 };
  await client.pool.add({ ...PROCESS_POOL, id: 'work', ...size });
});
afterAll(() => controller.stop());

type ExitConditions = BatchServiceModels.ExitConditions;
const missing = () => [{ httpUrl: `${controller.url}/nothing`, filePath: 'x' }];
/** An output file that no signature allows to be stored. */
const upload = () => [
  {
    filePattern: '../std*.txt',
    destination: { container: { containerUrl: `${controller.url}/storage/nobody/nowhere?sig=x` } },
    uploadOptions: { uploadCondition: 'taskcompletion' as const },
  },
];

let number = 0;
/** A job that looks at exit conditions, with one task; the job once that has completed. */
async function follow(task: object, job: object = {}) {
  const id = `job${String((number += 1))}`;
  await client.job.add({
    id,
    poolInfo: { poolId: 'work' },
    onTaskFailure: 'performexitoptionsjobaction',
    usesTaskDependencies: true,
    ...job,
  });
  await client.task.add(id, { id: 't', commandLine: '/bin/true', ...task });
  await until.task(id, 't');
  return id;
}
const exits = (code: number, exitConditions: ExitConditions, more: object = {}) =>
  follow({ commandLine: sh(`exit ${String(code)}`), exitConditions, ...more });
const stateOf = async (id: string) => (await client.job.get(id)).state;
const reasonOf = async (id: string) =>
  (await until.job(id, 'completed')).executionInfo?.terminateReason;

const TERMINATE = { jobAction: 'terminate' as const };
const DISABLE = { jobAction: 'disable' as const };
const NONE = { jobAction: 'none' as const };

describe('a job that performs job actions', () => {
  it('terminates with TaskFailed at a listed exit code', async () => {
    const id = await exits(3, { exitCodes: [{ code: 3, exitOptions: TERMINATE }], default: NONE });
    expect(await reasonOf(id)).toBe('TaskFailed');
  });

  it('is disabled at an exit code in a listed range, its other tasks requeued', async () => {
    const exitCodeRanges = [{ start: 10, end: 12, exitOptions: DISABLE }];
    const id = await exits(12, { exitCodeRanges, default: NONE });
    await until.job(id, 'disabled');
    expect((await client.task.get(id, 't')).executionInfo).toMatchObject({ exitCode: 12 });
  });

  it('takes a listed code before a range, and a range before the default', async () => {
    const conditions: ExitConditions = {
      exitCodes: [{ code: 5, exitOptions: NONE }],
      exitCodeRanges: [{ start: 5, end: 6, exitOptions: DISABLE }],
      default: TERMINATE,
    };
    expect(await stateOf(await exits(5, conditions))).toBe('active');
    await until.job(await exits(6, conditions), 'disabled');
    expect(await reasonOf(await exits(7, conditions))).toBe('TaskFailed');
  });

  it('terminates by default at any failure, and does nothing at success', async () => {
    expect(await reasonOf(await exits(1, {}))).toBe('TaskFailed');
    expect(await reasonOf(await follow({ commandLine: '/bin/false' }))).toBe('TaskFailed');
    expect(await stateOf(await exits(0, { default: TERMINATE }))).toBe('active');
  });

  it('acts on a listed exit code 0 too', async () => {
    const id = await exits(0, { exitCodes: [{ code: 0, exitOptions: TERMINATE }] });
    await until.job(id, 'completed');
  });

  it('acts only when the retries are used up', async () => {
    const constraints = { maxTaskRetryCount: 1 };
    const id = await exits(1, { default: DISABLE }, { constraints });
    await until.job(id, 'disabled');
    expect((await client.task.get(id, 't')).executionInfo?.retryCount).toBe(1);
  });

  it('has an action for failures before the process', async () => {
    const task = { resourceFiles: missing() };
    const before = { preProcessingError: DISABLE, default: TERMINATE };
    const id = await follow({ ...task, exitConditions: before });
    await until.job(id, 'disabled');
    const { executionInfo } = await client.task.get(id, 't');
    expect(executionInfo).toMatchObject({ result: 'failure', retryCount: 0 });
    expect(executionInfo).not.toHaveProperty('exitCode');
    expect(executionInfo?.failureInfo?.code).toBeTruthy();
    const command = { commandLine: '/no/such/program', exitConditions: before };
    await until.job(await follow(command), 'disabled');
    expect(await reasonOf(await follow({ ...task, exitConditions: { default: TERMINATE } }))).toBe(
      'TaskFailed',
    );
    expect(await stateOf(await follow({ ...task, exitConditions: { default: NONE } }))).toBe(
      'active',
    );
  });

  it('has an action for failed uploads, which a listed exit code beats', async () => {
    const task = { outputFiles: upload() };
    const id = await exits(0, { fileUploadError: DISABLE, default: NONE }, task);
    await until.job(id, 'disabled');
    const { executionInfo } = await client.task.get(id, 't');
    expect(executionInfo).toMatchObject({ result: 'failure', exitCode: 0 });
    expect(executionInfo?.failureInfo?.code).toMatch(/^FileUpload/);
    const listed = { exitCodes: [{ code: 4, exitOptions: NONE }], fileUploadError: TERMINATE };
    expect(await stateOf(await exits(4, listed, task))).toBe('active');
  });

  it('ends what else runs', async () => {
    const id = await follow({ exitConditions: {} });
    await client.task.add(id, { id: 'long', commandLine: LONG });
    await until.task(id, 'long', 'running');
    await client.task.add(id, { id: 'fails', commandLine: '/bin/false' });
    await until.job(id, 'completed');
    const { executionInfo } = await client.task.get(id, 'long');
    expect(executionInfo?.failureInfo?.code).toBe('TaskEnded');
  });
});

describe('a job with onTaskFailure=noaction', () => {
  it('goes on after a failure', async () => {
    const id = await follow({ commandLine: '/bin/false' }, { onTaskFailure: 'noaction' });
    expect(await stateOf(id)).toBe('active');
  });

  it('refuses tasks that name a job action, and takes those with dependency actions', async () => {
    const id = await follow({}, { onTaskFailure: 'noaction' });
    const add = (taskId: string, exitConditions: ExitConditions) =>
      client.task.add(id, { id: taskId, commandLine: '/bin/true', exitConditions });
    const refused = refusal(400, 'InvalidPropertyValue');
    await expect(add('a', { default: TERMINATE })).rejects.toMatchObject(refused);
    const exitCodes = [{ code: 1, exitOptions: DISABLE }];
    await expect(add('b', { exitCodes })).rejects.toMatchObject(refused);
    await add('c', { default: { dependencyAction: 'satisfy' } });
  });
});

describe('dependency actions', () => {
  const child = async (id: string) => {
    await client.task.add(id, {
      id: 'child',
      commandLine: '/bin/true',
      dependsOn: { taskIds: ['t'] },
    });
    return id;
  };
  const SATISFY = { ...NONE, dependencyAction: 'satisfy' as const };
  const BLOCK = { ...NONE, dependencyAction: 'block' as const };

  it('let a failed parent satisfy its children', async () => {
    const exitCodes = [{ code: 2, exitOptions: SATISFY }];
    await until.task(await child(await exits(2, { exitCodes })), 'child');
    await until.task(await child(await exits(9, { default: SATISFY })), 'child');
    const before = { preProcessingError: SATISFY };
    await until.task(
      await child(await follow({ resourceFiles: missing(), exitConditions: before })),
      'child',
    );
    await until.task(
      await child(await exits(0, { fileUploadError: SATISFY }, { outputFiles: upload() })),
      'child',
    );
  });

  it('let a parent that ended with 0 block its children', async () => {
    const id = await child(await exits(0, { exitCodes: [{ code: 0, exitOptions: BLOCK }] }));
    await until.task(await child(await exits(0, {})), 'child');
    expect((await client.task.get(id, 'child')).state).toBe('active');
  });

  it('block by default after a failure', async () => {
    const id = await child(await exits(1, { default: NONE }));
    await until.task(await child(await exits(0, { default: BLOCK })), 'child');
    expect((await client.task.get(id, 'child')).state).toBe('active');
  });

  it('read back as they were added', async () => {
    const exitConditions: ExitConditions = {
      exitCodes: [{ code: 1, exitOptions: SATISFY }],
      exitCodeRanges: [{ start: 2, end: 4, exitOptions: BLOCK }],
      preProcessingError: BLOCK,
      fileUploadError: SATISFY,
      default: NONE,
    };
    const id = await exits(0, exitConditions);
    expect((await client.task.get(id, 't')).exitConditions).toMatchObject(exitConditions);
  });
});
