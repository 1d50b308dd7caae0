import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { BatchServiceClient } from '@azure/batch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { batchClient } from '../support/client.js';
import { PROCESS_POOL, sh, waits } from '../support/process-pool.js';
import { signedRequest } from '../support/signed-request.js';
import { processesOf, startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';
import { tempDirectory } from '../support/temp-dir.js';
import { waitFor } from '../support/wait-for.js';

interface Run {
  attempt: number;
  task?: string;
  state: string;
  end?: string;
  nodeInfo: { nodeId: string; poolId: string };
  startTime: string;
  endTime?: string;
  exitCode?: number;
  result?: string;
  retryCount?: number;
  logs: { name: string; url: string }[];
  subtasks?: (Omit<Run, 'attempt'> & { id: number })[];
}

const marks = tempDirectory('runs');
let controller: StartedController;
let client: BatchServiceClient;
beforeAll(async () => {
  controller = await startController({
    configuration: { limits: { taskLogInterval: 'PT0.2S' } },
  });
  client = batchClient(controller);
});
afterAll(async () => {
  await controller.stop();
  marks.remove();
});

// covers ComputeNode_ListStartTaskAttempts
// covers ComputeNode_GetStartTaskAttemptLog
// covers Job_ListSpecialTaskAttempts
// covers Job_GetSpecialTaskAttemptLog
// covers Task_GetSubtaskAttemptLog
const get = (path: string) => signedRequest(controller, 'GET', path);
const list = async (path: string): Promise<Run[]> => {
  const answer = await get(path);
  expect([answer.status, answer.text.slice(0, 200)]).toMatchObject([200, expect.anything()]);
  return (JSON.parse(answer.text) as { value: Run[] }).value;
};
/** The log that an attempt names, by the URL it gives. */
const log = (run: Pick<Run, 'logs'>, name = 'stdout.txt') =>
  get(run.logs.find((one) => one.name === name)?.url.replace(controller.url, '') ?? '');
const outcomes = (runs: readonly Run[]) =>
  runs.map(({ end, exitCode, result }) => [end, exitCode, result]);
/** Counts its own runs in a file; `$n` is the number of the present one. */
const counted = (name: string) => {
  const file = join(marks.path, name);
  return `echo x >> ${file}; n=$(wc -l < ${file}); echo run $n;`;
};
const one = { ...PROCESS_POOL, targetDedicatedNodes: 1 };
/** How many copies there are whose place in the object store holds the text. */
const keptLogs = (text: string) => {
  const folder = join(controller.dataDirectory, 'objects/testaccount/task-logs');
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .filter(({ parentPath }) => `${parentPath}/`.replaceAll(',d/', '/').includes(text)).length;
  } catch {
    return Number.NaN; // Folders come and go: not now.
  }
};

describe('runs of a start task', () => {
  const runs = '/pools/s/nodes';
  let nodeId = '';
  let path = '';
  beforeAll(async () => {
    await client.pool.add({
      id: 's',
      ...one,
      startTask: {
        commandLine: sh(`${counted('start')} [ $n -ge 2 ]`),
        waitForSuccess: true,
        maxTaskRetryCount: 5,
      },
    });
    const [node] = await waits(client).nodes('s', 'idle');
    nodeId = node?.id ?? '';
    path = `${runs}/${nodeId}/starttaskattempts`;
  });

  it('are listed with their ends and outputs, retries and runs of earlier boots alike', async () => {
    expect(outcomes(await list(path))).toEqual([
      ['retried', 1, 'failure'],
      ['completed', 0, 'success'],
    ]);
    await client.computeNode.reboot('s', nodeId);
    const all = await waitFor('the run of the next boot', async () => {
      const found = await list(path);
      return found.length === 3 && found[2]?.end === 'completed' && found;
    });
    expect(outcomes(all)).toEqual([
      ['retried', 1, 'failure'],
      ['completed', 0, 'success'],
      ['completed', 0, 'success'],
    ]);
    expect(all.map(({ attempt, retryCount }) => [attempt, retryCount])).toEqual([
      [1, 0],
      [2, 1],
      [3, 0],
    ]);
    for (const [at, run] of all.entries()) {
      expect(run.nodeInfo).toMatchObject({ nodeId, poolId: 's' });
      expect((await log(run)).text).toBe(`run ${String(at + 1)}\n`);
    }
    const page = JSON.parse((await get(`${path}?maxresults=2`)).text) as Record<string, unknown>;
    const next = String(page['odata.nextLink']).replace(controller.url, '');
    const rest = await list(next.replace(/api-version=[^&]*&/, ''));
    expect(rest.map(({ attempt }) => attempt)).toEqual([3]);
  });

  it('outlive the node and its pool, with what they wrote', async () => {
    await waits(client).node('s', nodeId, 'idle');
    await client.pool.deleteMethod('s');
    await waits(client).poolGone('s');
    const all = await list(path);
    expect(all.map(({ end }) => end)).toEqual(['retried', 'completed', 'completed']);
    for (const [at, run] of all.entries())
      expect((await log(run)).text).toBe(`run ${String(at + 1)}\n`);
    const latest = await get(`/pools/s/nodes/${nodeId}/files/startup/stdout.txt?kept=true`);
    expect(latest.text).toBe('run 3\n');
    expect((await get('/pools/s/nodes/none/starttaskattempts')).code).toBe('NodeNotFound');
    expect((await get(`${path}/9/files/stdout.txt`)).code).toBe('FileNotFound');
    expect((await get(`${path}/1/files/wd`)).code).toBe('FileNotFound');
  });

  it('are lost where the node vanishes under them, and what they wrote until then is kept', async () => {
    await client.pool.add({
      id: 'v',
      ...one,
      startTask: {
        commandLine: sh(`${counted('vanish')} [ $n -ge 2 ] || sleep 600`),
        waitForSuccess: true,
      },
    });
    const vanishing = await waitFor('the first run', async () => {
      const node = (await client.computeNode.list('v'))[0];
      if (node?.startTaskInfo?.state !== 'running') return false;
      const [run] = await list(`/pools/v/nodes/${node.id ?? ''}/starttaskattempts`);
      return run?.state === 'running' && keptLogs('/nodes/v/') > 0 && node;
    });
    for (const pid of processesOf(controller.dataDirectory))
      if (pid !== controller.pid) process.kill(pid, 'SIGKILL');
    await waits(client).nodes('v', 'idle');
    const all = await list(`/pools/v/nodes/${vanishing.id ?? ''}/starttaskattempts`);
    expect(all.map(({ end }) => end)).toEqual(['lost', 'completed']);
    const texts = await Promise.all(all.map(async (run) => (await log(run)).text));
    expect(texts).toEqual(['run 1\n', 'run 2\n']);
  });
});

describe('runs of job preparation and release tasks', () => {
  const path = '/jobs/special/jobpreparationandreleasetaskattempts';

  it('are listed by node with their ends and outputs, long ones too', async () => {
    await client.pool.add({ id: 'p', ...one });
    await client.job.add({
      id: 'special',
      poolInfo: { poolId: 'p' },
      jobPreparationTask: {
        commandLine: sh(`${counted('prepare')} seq 1 2000 >&2; [ $n -ge 3 ]`),
        constraints: { maxTaskRetryCount: 5 },
      },
      jobReleaseTask: { commandLine: sh('echo released') },
    });
    await client.task.add('special', { id: 't', commandLine: 'true' });
    await waits(client).task('special', 't');
    await client.job.terminate('special');
    await waits(client).job('special', 'completed');
    const all = await list(path);
    expect(all.map(({ task, attempt }) => [task, attempt])).toEqual([
      ['preparation', 1],
      ['preparation', 2],
      ['preparation', 3],
      ['release', 1],
    ]);
    expect(outcomes(all)).toEqual([
      ['retried', 1, 'failure'],
      ['retried', 1, 'failure'],
      ['completed', 0, 'success'],
      ['completed', 0, 'success'],
    ]);
    const texts = await Promise.all(all.map(async (run) => (await log(run)).text));
    expect(texts).toEqual(['run 1\n', 'run 2\n', 'run 3\n', 'released\n']);
    const [first] = all;
    expect(first && (await log(first, 'stderr.txt')).text).toMatch(/^1\n2\n[^]*\n2000\n$/);
    for (const { endTime, startTime } of all)
      expect(Date.parse(endTime ?? '')).toBeGreaterThanOrEqual(Date.parse(startTime));
    const names: unknown[] = [];
    for (let next = `${path}?maxresults=3`; next !== '';) {
      const page = JSON.parse((await get(next)).text) as {
        value: Run[];
        'odata.nextLink'?: string;
      };
      names.push(page.value.map(({ task, attempt }) => `${String(task)} ${String(attempt)}`));
      next = (page['odata.nextLink'] ?? '')
        .replace(controller.url, '')
        .replace(/api-version=[^&]*&/, '');
    }
    expect(names).toEqual([['preparation 1', 'preparation 2', 'preparation 3'], ['release 1']]);
  });

  it('outlive the node, and go with the job', async () => {
    await client.pool.deleteMethod('p');
    await waits(client).poolGone('p');
    const all = await list(path);
    const texts = await Promise.all(all.map(async (run) => (await log(run)).text));
    expect(texts).toEqual(['run 1\n', 'run 2\n', 'run 3\n', 'released\n']);
    const [first] = all;
    const url = first?.logs[0]?.url.replace(controller.url, '') ?? '';
    expect((await get(url.replace('/preparation/', '/other/'))).code).toBe('FileNotFound');
    expect((await get(url.replace('/1/files/', '/7/files/'))).code).toBe('FileNotFound');
    await client.job.deleteMethod('special');
    await waits(client).jobGone('special');
    expect((await get(path)).code).toBe('JobNotFound');
    await waitFor('the copies to be deleted', () => keptLogs('/special-') === 0);
  });
});

describe('attempts of a multi-instance task', () => {
  it('tell what each part of each of them was and wrote', async () => {
    await client.pool.add({
      id: 'm',
      ...one,
      targetDedicatedNodes: 2,
      enableInterNodeCommunication: true,
    });
    await client.job.add({ id: 'multi', poolInfo: { poolId: 'm' } });
    await client.task.add('multi', {
      id: 't',
      commandLine: sh(`${counted('primary')} [ $n -ge 2 ]`),
      constraints: { maxTaskRetryCount: 3 },
      multiInstanceSettings: {
        numberOfInstances: 2,
        coordinationCommandLine: sh('echo part $AZ_BATCH_IS_CURRENT_NODE_MASTER'),
      },
    });
    await waits(client).task('multi', 't');
    const all = await list('/jobs/multi/tasks/t/attempts');
    expect(outcomes(all)).toEqual([
      ['retried', 1, 'failure'],
      ['completed', 0, 'success'],
    ]);
    for (const [at, run] of all.entries()) {
      expect((await log(run)).text).toBe(`part true\nrun ${String(at + 1)}\n`);
      const [part, ...more] = run.subtasks ?? [];
      expect(more).toEqual([]);
      expect(part).toMatchObject({ id: 1, exitCode: 0, result: 'success' });
      expect(part?.nodeInfo.nodeId).not.toBe(run.nodeInfo.nodeId);
      await waitFor('the output of the part', async () =>
        part === undefined ? false : (await log(part)).text === 'part false\n',
      );
    }
    await client.pool.deleteMethod('m');
    await waits(client).poolGone('m');
    for (const run of await list('/jobs/multi/tasks/t/attempts'))
      for (const part of run.subtasks ?? []) expect((await log(part)).text).toBe('part false\n');
    const url = all[0]?.subtasks?.[0]?.logs[0]?.url.replace(controller.url, '') ?? '';
    expect((await get(url.replace('/subtasks/1/', '/subtasks/2/'))).code).toBe('FileNotFound');
    await client.task.deleteMethod('multi', 't');
    await waitFor('the copies to be deleted', () => keptLogs('/multi-') === 0);
  });
});
