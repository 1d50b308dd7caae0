import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BatchServiceClient } from '@azure/batch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { batchClient } from '../support/client.js';
import { PROCESS_POOL, sh, waits } from '../support/process-pool.js';
import { processesOf, startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';
import { tempDirectory } from '../support/temp-dir.js';
import { waitFor } from '../support/wait-for.js';

const LEASE_MS = 7_000;
const TASKS = 20;
const marks = tempDirectory('kill-agent');
let controller: StartedController;
let client: BatchServiceClient;

beforeAll(async () => {
  controller = await startController({
    configuration: {
      leases: {
        heartbeatInterval: 'PT0.2S',
        lease: `PT${String(LEASE_MS / 1000)}S`,
        grace: 'PT1S',
      },
    },
  });
  client = batchClient(controller);
  await client.pool.add({
    id: 'p',
    ...PROCESS_POOL,
    vmSize: 'standard_d4_v2',
    targetDedicatedNodes: 1,
    taskSlotsPerNode: TASKS,
  });
  await client.job.add({ id: 'j', poolInfo: { poolId: 'p' } });
  await waits(client).nodes('p', 'idle');
});
afterAll(async () => {
  await controller.stop();
  marks.remove();
});

const mark = (name: string) => join(marks.path, name);
const lines = (name: string) =>
  existsSync(mark(name)) ? readFileSync(mark(name), 'utf8').trim().split('\n') : [];

/** Writes when it begins and when it ends, and waits until the test says so. */
const waiting = (name: string, code: string) =>
  sh(
    `echo $$ >> ${mark(name)}.began; while ! [ -e ${mark('go')} ]; do sleep 0.05; done; echo e >> ${mark(name)}.ended; ${code}`,
  );

/** Processes of the controller's nodes that run this program. */
function processes(program: 'node' | 'perl'): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const [first = '', ...rest] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        const isAgent = rest.some((one) => one.endsWith('agent.mjs'));
        return (
          first.endsWith(program) && isAgent && rest.join(' ').includes(controller.dataDirectory)
        );
      } catch {
        return false; // It has ended.
      }
    })
    .map(Number);
}

/** Processes that were started for a node, by a part of their command line. */
const processesNaming = (text: string) =>
  processesOf(controller.dataDirectory).filter((pid) => {
    try {
      return readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8').includes(text);
    } catch {
      return false; // It has ended.
    }
  });

const agent = () =>
  waitFor('one agent', () => {
    const [pid, ...more] = processes('node');
    return more.length === 0 && pid;
  });

async function killAgent(): Promise<void> {
  const pid = await agent();
  process.kill(pid, 'SIGKILL');
  await waitFor('the next agent', () => processes('node').some((one) => one !== pid));
}

/** Where agents write down what their successors must know. */
function journals(): string[] {
  const nodes = join(controller.dataDirectory, 'nodes', 'testaccount');
  return readdirSync(nodes)
    .flatMap((pool) => readdirSync(join(nodes, pool)).map((id) => join(nodes, pool, id)))
    .map((root) => join(root, 'volatile/agent/journal'))
    .filter((file) => existsSync(file));
}
const journal = () => journals()[0] ?? '';

const statusOf = (pid: number) => {
  try {
    return readFileSync(`/proc/${String(pid)}/status`, 'utf8');
  } catch {
    return '';
  }
};

/** A task that goes on for long at first and succeeds at once when it is run again; answers with its process. */
async function beginsTwice(id: string): Promise<number> {
  const again = `[ $(wc -l < ${mark(id)}) -ge 2 ] && exit 0`;
  await client.task.add('j', {
    id,
    commandLine: sh(`echo $$ >> ${mark(id)}; ${again}; sleep 600`),
  });
  await waitFor('the task to run', () => lines(id).length === 1);
  await waits(client).task('j', id, 'running');
  return Number(lines(id)[0]);
}

const infoOf = async (taskId: string) => (await client.task.get('j', taskId)).executionInfo;

describe('an agent that is killed in the middle of twenty tasks', () => {
  const code = (number: number) => (number % 4 === 3 ? 'kill -9 $$' : `exit ${String(number % 4)}`);
  const ids = Array.from({ length: TASKS }, (_, number) => `t${String(number)}`);

  beforeAll(async () => {
    await client.task.addCollection(
      'j',
      ids.map((id, number) => ({ id, commandLine: waiting(id, code(number)) })),
    );
    await waitFor('all of them to run', () => ids.every((id) => lines(`${id}.began`).length > 0));
    // What has begun this very moment and is not written down yet would be tried again.
    await waitFor(
      'all of them to be written down',
      () => readFileSync(journal(), 'utf8').split('"type":"run"').length > TASKS,
    );
    await killAgent();
    await killAgent();
    writeFileSync(mark('go'), '');
    for (const id of ids) await waits(client).task('j', id);
  });

  it('is started again, and every task goes on to its own end: none begins twice', () => {
    for (const id of ids)
      expect([id, lines(`${id}.began`).length, lines(`${id}.ended`)]).toEqual([id, 1, ['e']]);
  });

  it('reports the exit codes as the processes gave them, deaths by signal too', async () => {
    const exitCodes = await Promise.all(ids.map(async (id) => (await infoOf(id))?.exitCode));
    expect(exitCodes).toEqual(ids.map((_, number) => (number % 4 === 3 ? -9 : number % 4)));
  });

  it('counts nothing against the tasks, and the node takes the next one', async () => {
    for (const id of ids)
      expect(await infoOf(id)).toMatchObject({ retryCount: 0, requeueCount: 0 });
    await client.task.add('j', { id: 'next', commandLine: sh('exit 0') });
    await waits(client).task('j', 'next');
    const [node] = await client.computeNode.list('p');
    expect(node?.state).toBe('idle');
  });
});

describe('agents that are killed during what is no plain task', () => {
  const MULTI = 'multi';
  /** Waits in one place until the test lets it go on. */
  const gate = (name: string) =>
    `echo $$ >> ${mark(name)}.began; while ! [ -e ${mark(name)}.go ]; do sleep 0.05; done; echo e >> ${mark(name)}.ended;`;
  const open = (name: string) => writeFileSync(mark(`${name}.go`), '');
  const began = (name: string, count = 1) =>
    waitFor(`${name} to begin`, () => lines(`${name}.began`).length === count);
  /** Every agent, and the next one of each takes over; meanwhile nobody is there. */
  async function killAgents(count: number, meanwhile?: () => Promise<unknown>): Promise<void> {
    const before = await waitFor(`${String(count)} agents`, () => {
      const found = processes('node');
      return found.length === count && found;
    });
    const takenOver = () => logs().match(/goes on where the agent before it ended/g)?.length ?? 0;
    const earlier = takenOver();
    const survivors = processes('perl');
    if (meanwhile !== undefined) for (const pid of survivors) process.kill(pid, 'SIGSTOP');
    for (const pid of before) process.kill(pid, 'SIGKILL');
    await meanwhile?.();
    for (const pid of survivors) process.kill(pid, 'SIGCONT');
    await waitFor('the next agents', () => takenOver() === earlier + count);
  }
  const logOf = (file: string) => readFileSync(join(file, '../agent.log'), 'utf8');
  const logs = () => journals().map(logOf).join('');
  const written = (text: string, count = 1) =>
    waitFor(`${text} to be written down`, () => {
      const found = journals().filter((file) => readFileSync(file, 'utf8').includes(text));
      return found.length >= count;
    });

  it('let a start task go on to its own end, and its failure be tried again', async () => {
    await client.pool.resize('p', { targetDedicatedNodes: 0 });
    await waitFor('no agent', () => processes('node').length === 0);
    await client.pool.add({
      id: MULTI,
      ...PROCESS_POOL,
      targetDedicatedNodes: 1,
      enableInterNodeCommunication: true,
      startTask: {
        commandLine: sh(`${gate('start')} [ $(wc -l < ${mark('start')}.began) -ge 2 ]`),
        waitForSuccess: true,
        maxTaskRetryCount: 1,
      },
    });
    await began('start');
    await written('"of":"startTask"');
    await killAgents(1);
    open('start');
    const [node] = await waits(client).nodes(MULTI, 'idle');
    expect(node?.startTaskInfo).toMatchObject({ retryCount: 1, exitCode: 0 });
    expect(lines('start.began')).toHaveLength(2);
    expect(lines('start.ended')).toHaveLength(2);
  });

  it('let a job preparation task go on, and the task that waits for it', async () => {
    await client.job.add({
      id: 'prepared',
      poolInfo: { poolId: MULTI },
      jobPreparationTask: { commandLine: sh(`${gate('prepare')} exit 0`) },
    });
    await client.task.add('prepared', { id: 't', commandLine: 'true' });
    await began('prepare');
    await written('"jobId":"prepared"');
    await killAgents(1);
    open('prepare');
    await waits(client).task('prepared', 't');
    expect(lines('prepare.began')).toHaveLength(1);
    const [status] = await client.job.listPreparationAndReleaseTaskStatus('prepared');
    expect(status?.jobPreparationTaskExecutionInfo).toMatchObject({ retryCount: 0, exitCode: 0 });
  });

  it('let every part of a multi-instance task go on: at its coordination, while it waits, at its command', async () => {
    await client.pool.resize(MULTI, { targetDedicatedNodes: 2 });
    await waits(client).nodes(MULTI, 'idle', 2);
    await client.job.add({ id: 'parts', poolInfo: { poolId: MULTI } });
    // The primary's coordination command leaves a process, which lives until its part ends.
    const daemon = `if $AZ_BATCH_IS_CURRENT_NODE_MASTER; then (echo $$ > ${mark('daemon')}.ran; exec sleep 4711) & fi;`;
    const part = 'coordinate-$AZ_BATCH_IS_CURRENT_NODE_MASTER';
    await client.task.add('parts', {
      id: 't',
      commandLine: sh(`${gate('command')} echo $OWN > ${mark('own')}; exit 6`),
      environmentSettings: [{ name: 'OWN', value: 'its own setting' }],
      multiInstanceSettings: {
        numberOfInstances: 2,
        coordinationCommandLine: sh(`${daemon} ${gate(part)} exit 0`),
      },
    });
    await began('coordinate-true');
    await began('coordinate-false');
    await written('"state":"coordinating"', 2);
    // It ends with nobody there, and what it left goes on.
    await killAgents(2, () => {
      open('coordinate-true');
      const command = Number(lines('coordinate-true.began')[0]);
      return waitFor('the command to end', () => /^State:\s+Z/m.test(statusOf(command)));
    });
    await written('"state":"waiting"');
    // The primary waits for the other part, whose command still runs.
    await killAgents(2);
    open('coordinate-false');
    await began('command');
    await written('"state":"proceeded"');
    const leftBehind = processesNaming('\x004711');
    expect(leftBehind).toHaveLength(1);
    await killAgents(2);
    open('command');
    const task = await waits(client).task('parts', 't');
    expect(task.executionInfo).toMatchObject({ exitCode: 6, retryCount: 0, requeueCount: 0 });
    expect(lines('own')).toEqual(['its own setting']);
    const { value: [subtask] = [] } = await client.task.listSubtasks('parts', 't');
    expect(subtask).toMatchObject({ state: 'completed', exitCode: 0, result: 'success' });
    for (const name of ['coordinate-true', 'coordinate-false', 'command'])
      expect([name, lines(`${name}.began`).length]).toEqual([name, 1]);
    const areDead = () => leftBehind.every((pid) => !existsSync(`/proc/${String(pid)}`));
    await waitFor('what the coordination command left to be dead', areDead);
    await waits(client).nodes(MULTI, 'idle', 2);
  });

  afterAll(async () => {
    await client.pool.deleteMethod(MULTI);
    await client.pool.resize('p', { targetDedicatedNodes: 1 });
    await waits(client).poolGone(MULTI);
    await waits(client).nodes('p', 'idle');
  });
});

describe('what ends while there is no agent', () => {
  it('is told by the survivor to the next one, output files and all', async () => {
    await client.task.add('j', {
      id: 'alone',
      commandLine: sh(
        `echo $$ > ${mark('alone')}; while ! [ -e ${mark('alone-go')} ]; do sleep 0.02; done; echo result > result.txt; exit 7`,
      ),
      outputFiles: [
        {
          filePattern: '../std*.txt',
          destination: {
            container: { containerUrl: `${controller.url}/storage/${controller.account}/none` },
          },
          uploadOptions: { uploadCondition: 'taskcompletion' },
        },
      ],
    });
    await waitFor('the task to run', () => existsSync(mark('alone')));
    await waits(client).task('j', 'alone', 'running');
    const survivor = processes('perl')[0] ?? 0;
    const before = await agent();
    // Stopped, the survivor starts no agent: the task ends with nobody there.
    process.kill(survivor, 'SIGSTOP');
    process.kill(before, 'SIGKILL');
    writeFileSync(mark('alone-go'), '');
    const task = Number(lines('alone')[0]);
    await waitFor('the task to end', () => /^State:\s+Z/m.test(statusOf(task)));
    process.kill(survivor, 'SIGCONT');
    const ended = await waits(client).task('j', 'alone');
    expect(ended.executionInfo).toMatchObject({ exitCode: 7, retryCount: 0 });
    // There is no such container: the upload was tried, with the signed URL that only the controller knows.
    expect(ended.executionInfo?.failureInfo?.code).toBe('FileUploadContainerNotFound');
  });
});

describe('a lease', () => {
  it('is enforced by the survivor while the agent can do nothing: the task runs again only after its death', async () => {
    const leader = await beginsTwice('hung');
    const before = await agent();
    process.kill(before, 'SIGSTOP');
    await waitFor('the first attempt to be dead', () => !existsSync(`/proc/${String(leader)}`), {
      timeoutMs: LEASE_MS * 3,
    });
    expect(lines('hung')).toHaveLength(1);
    const ended = await waits(client).task('j', 'hung');
    expect(ended.executionInfo).toMatchObject({ exitCode: 0, retryCount: 0, requeueCount: 0 });
    expect(lines('hung')).toHaveLength(2);
    expect(processes('node')).not.toContain(before);
  });

  it('that a dead controller does not renew ends tasks although their agent was killed too', async () => {
    const leader = await beginsTwice('orphan');
    await controller.kill();
    await killAgent();
    expect(existsSync(`/proc/${String(leader)}`)).toBe(true);
    await waitFor('the attempt to be dead', () => !existsSync(`/proc/${String(leader)}`), {
      timeoutMs: LEASE_MS * 3,
    });
    await controller.restart();
    const ended = await waits(client).task('j', 'orphan');
    expect(ended.executionInfo).toMatchObject({ exitCode: 0, retryCount: 0, requeueCount: 0 });
    expect(lines('orphan')).toHaveLength(2);
  });
});

describe('a controller that is frozen', () => {
  it('finds the tasks of its nodes dead when it wakes, also where their agents were started again', async () => {
    const leader = await beginsTwice('frozen');
    const isKept = () => readFileSync(journal(), 'utf8').includes('"taskId":"frozen"');
    await waitFor('it to be written down', isKept);
    await killAgent();
    process.kill(controller.pid, 'SIGSTOP');
    await waitFor('the attempt to be dead', () => !existsSync(`/proc/${String(leader)}`), {
      timeoutMs: LEASE_MS * 3,
    });
    expect(lines('frozen')).toHaveLength(1);
    process.kill(controller.pid, 'SIGCONT');
    const ended = await waits(client).task('j', 'frozen');
    expect(ended.executionInfo).toMatchObject({ exitCode: 0, retryCount: 0, requeueCount: 0 });
    expect(lines('frozen')).toHaveLength(2);
  });
});

describe('what happens while the controller is away', () => {
  it('is told once, although the agent was killed before it could say it', async () => {
    await client.task.add('j', {
      id: 'told',
      commandLine: sh(
        `echo $$ >> ${mark('told')}; while ! [ -e ${mark('told-go')} ]; do sleep 0.02; done; exit 5`,
      ),
    });
    await waits(client).task('j', 'told', 'running');
    await waitFor('the task to run', () => lines('told').length === 1);
    await controller.kill();
    writeFileSync(mark('told-go'), '');
    const task = Number(lines('told')[0]);
    await waitFor('the task to end', () => !existsSync(`/proc/${String(task)}`));
    await waitFor('the end to be written down', () =>
      readFileSync(journal(), 'utf8').includes('"exitCode":5'),
    );
    await killAgent();
    await controller.restart();
    const ended = await waits(client).task('j', 'told');
    expect(ended.executionInfo).toMatchObject({ exitCode: 5, retryCount: 0, requeueCount: 0 });
    expect(lines('told')).toHaveLength(1);
  });
});
