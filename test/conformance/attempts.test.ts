import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BatchServiceClient } from '@azure/batch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { batchClient } from '../support/client.js';
import { PROCESS_POOL, sh, waits } from '../support/process-pool.js';
import { signedRequest } from '../support/signed-request.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';
import { tempDirectory } from '../support/temp-dir.js';
import { waitFor } from '../support/wait-for.js';

interface Attempt {
  attempt: number;
  state: 'running' | 'completed';
  end?: string;
  nodeInfo: { nodeId: string; poolId: string };
  startTime: string;
  endTime?: string;
  exitCode?: number;
  result?: string;
  failureInfo?: { code: string };
  logs: { name: string; url: string }[];
}

const LOG_BYTES = 10_000;
const marks = tempDirectory('attempts');
let controller: StartedController;
let client: BatchServiceClient;
beforeAll(async () => {
  controller = await startController({
    configuration: {
      limits: { taskLogBytes: LOG_BYTES, taskLogInterval: 'PT0.2S' },
    },
  });
  client = batchClient(controller);
  await client.pool.add({ id: 'p', ...PROCESS_POOL, targetDedicatedNodes: 2 });
  await client.job.add({ id: 'j', poolInfo: { poolId: 'p' } });
  await waits(client).nodes('p', 'idle', 2);
});
afterAll(async () => {
  await controller.stop();
  marks.remove();
});

// covers Task_ListAttempts
const get = (path: string) => signedRequest(controller, 'GET', path);
const kept = (place: string) => join(controller.dataDirectory, 'objects', place);

async function attempts(taskId: string, query = ''): Promise<Attempt[]> {
  const answer = await get(`/jobs/j/tasks/${taskId}/attempts${query}`);
  expect(answer.status).toBe(200);
  return (JSON.parse(answer.text) as { value: Attempt[] }).value;
}

const log = (taskId: string, attempt: number, file = 'stdout.txt') =>
  get(`/jobs/j/tasks/${taskId}/attempts/${String(attempt)}/files/${file}`);

describe('attempts of a task', () => {
  it('are one where it succeeds at once, and none before it began', async () => {
    await client.task.add('j', { id: 'once', commandLine: sh('echo one') });
    await waits(client).task('j', 'once');
    const [only, ...more] = await attempts('once');
    expect(more).toEqual([]);
    expect(only).toMatchObject({ state: 'completed', end: 'completed', exitCode: 0 });
    expect(only?.result).toBe('success');
    expect(only?.nodeInfo.poolId).toBe('p');
    expect(Date.parse(only?.endTime ?? '')).toBeGreaterThanOrEqual(
      Date.parse(only?.startTime ?? ''),
    );
    await client.job.add({ id: 'waits', poolInfo: { poolId: 'p' } });
    await client.job.disable('waits', 'requeue');
    await client.task.add('waits', { id: 't', commandLine: 'true' });
    const none = await get('/jobs/waits/tasks/t/attempts');
    expect(JSON.parse(none.text)).toMatchObject({ value: [] });
  });

  it('are listed in pages, the newest last, each with its own end and its own output', async () => {
    const mark = join(marks.path, 'count');
    await client.task.add('j', {
      id: 'retried',
      commandLine: sh(`echo x >> ${mark}; n=$(wc -l < ${mark}); echo try $n; [ $n -ge 3 ]`),
      constraints: { maxTaskRetryCount: 5 },
    });
    await waits(client).task('j', 'retried');
    const all = await attempts('retried');
    expect(all.map(({ end, exitCode, result }) => [end, exitCode, result])).toEqual([
      ['retried', 1, 'failure'],
      ['retried', 1, 'failure'],
      ['completed', 0, 'success'],
    ]);
    const numbers = all.map(({ attempt }) => attempt);
    expect(numbers).toEqual([...numbers].sort((one, other) => one - other));
    for (const [at, number] of numbers.entries()) {
      const answer = await log('retried', number);
      expect([answer.status, answer.text]).toEqual([200, `try ${String(at + 1)}\n`]);
    }
    const paged: number[] = [];
    let next: string | undefined = '/jobs/j/tasks/retried/attempts?maxresults=2';
    while (next !== undefined) {
      const answer = JSON.parse((await get(next)).text) as {
        value: Attempt[];
        'odata.nextLink'?: string;
      };
      paged.push(...answer.value.map(({ attempt }) => attempt));
      next = answer['odata.nextLink']
        ?.replace(controller.url, '')
        .replace(/api-version=[^&]*&/, '');
    }
    expect(paged).toEqual(numbers);
  });

  it('tell what was requeued by a user and what was reactivated', async () => {
    await client.job.add({ id: 'k', poolInfo: { poolId: 'p' } });
    const mark = join(marks.path, 'requeued');
    await client.task.add('k', {
      id: 't',
      commandLine: sh(`[ -e ${mark} ] && exit 4; touch ${mark}; sleep 60`),
    });
    await waitFor('the first attempt to run', () => existsSync(mark));
    await client.job.disable('k', 'requeue');
    await waits(client).job('k', 'disabled');
    await client.job.enable('k');
    await waits(client).task('k', 't');
    await client.task.reactivate('k', 't');
    const ends = async () =>
      (JSON.parse((await get('/jobs/k/tasks/t/attempts')).text) as { value: Attempt[] }).value.map(
        ({ end, exitCode }) => [end, exitCode],
      );
    await waitFor('the third attempt to end', async () => (await ends()).length === 3);
    await waits(client).task('k', 't');
    expect(await ends()).toEqual([
      ['requeued', -15],
      ['reactivated', 4],
      ['completed', 4],
    ]);
  });

  it('go with their task, whose successor of the same name has none of them', async () => {
    const task = { id: 'again', commandLine: sh('exit 1'), constraints: { maxTaskRetryCount: 1 } };
    await client.task.add('j', task);
    await waits(client).task('j', 'again');
    expect(await attempts('again')).toHaveLength(2);
    await client.task.deleteMethod('j', 'again');
    expect((await get('/jobs/j/tasks/again/attempts')).code).toBe('TaskNotFound');
    await client.task.add('j', { ...task, commandLine: 'true' });
    await waits(client).task('j', 'again');
    expect(await attempts('again')).toHaveLength(1);
  });

  it('that do not exist are not found, nor are other files of one', async () => {
    expect((await log('once', 99)).code).toBe('FileNotFound');
    expect((await log('once', 1, 'wd/secret')).code).toBe('FileNotFound');
    expect((await get('/jobs/j/tasks/none/attempts')).code).toBe('TaskNotFound');
    expect((await get('/jobs/none/tasks/none/attempts')).code).toBe('JobNotFound');
  });
});

describe('outputs', () => {
  it('are kept to their last bytes when they are long, and read as a range', async () => {
    const mark = join(marks.path, 'long');
    await client.task.add('j', {
      id: 'long',
      commandLine: sh(
        `n=$(wc -l < ${mark} 2>/dev/null || echo 0); echo x >> ${mark}; [ $n -ge 1 ] && exit 0; seq 1 5000; echo end; exit 1`,
      ),
      constraints: { maxTaskRetryCount: 1 },
    });
    await waits(client).task('j', 'long');
    const [first] = await attempts('long');
    const whole = await log('long', first?.attempt ?? 0);
    expect(whole.text).toHaveLength(LOG_BYTES);
    expect(whole.text.endsWith('4999\n5000\nend\n')).toBe(true);
    const written = 5000 * 5 - 9 * 3 - 90 * 2 - 900 + 4;
    expect(whole.headers['batchyard-log-skipped']).toBe(String(written - LOG_BYTES));
    const part = await signedRequest(
      controller,
      'GET',
      `/jobs/j/tasks/long/attempts/${String(first?.attempt)}/files/stdout.txt`,
      { headers: { 'ocp-range': `bytes=${String(LOG_BYTES - 4)}-` } },
    );
    expect(part.text).toBe('end\n');
  });

  it('are readable although the node vanished while the task ran, and so is the attempt', async () => {
    await client.pool.add({ id: 'v', ...PROCESS_POOL, targetDedicatedNodes: 1 });
    await client.job.add({ id: 'v', poolInfo: { poolId: 'v' } });
    await waits(client).nodes('v', 'idle');
    await client.task.add('v', {
      id: 't',
      commandLine: sh('echo before; echo bad >&2; sleep 600'),
    });
    await waitFor('the task to run', async () => {
      const answer = await get('/jobs/v/tasks/t/attempts');
      const { value } = JSON.parse(answer.text) as { value: Attempt[] };
      return value.length === 1;
    });
    const [node] = await client.computeNode.list('v');
    await waitFor('both outputs to be copied', async () => {
      const answers = [await log2('stdout.txt'), await log2('stderr.txt')];
      return answers.every(({ status }) => status === 200) && keptFiles('/v-').length === 2;
    });
    await client.pool.removeNodes('v', {
      nodeList: [node?.id ?? ''],
      nodeDeallocationOption: 'requeue',
    });
    await waitFor('the attempt to be over', async () => {
      const { text } = await get('/jobs/v/tasks/t/attempts');
      return (JSON.parse(text) as { value: Attempt[] }).value[0]?.state === 'completed';
    });
    expect((await log2('stdout.txt')).text).toBe('before\n');
    expect((await log2('stderr.txt')).text).toBe('bad\n');
  });

  const log2 = (file: string) => get(`/jobs/v/tasks/t/attempts/1/files/${file}`);

  it('of a completed task are read as its files once its node is gone, by who asks for what is kept', async () => {
    await client.pool.add({ id: 'g', ...PROCESS_POOL, targetDedicatedNodes: 1 });
    await client.job.add({ id: 'g', poolInfo: { poolId: 'g' } });
    await client.task.add('g', { id: 't', commandLine: sh('echo short; seq 1 2000 >&2') });
    await waits(client).task('g', 't');
    await client.pool.resize('g', { targetDedicatedNodes: 0 });
    await waitFor(
      'the node to be gone',
      async () => (await client.computeNode.list('g')).length === 0,
    );
    const files = '/jobs/g/tasks/t/files';
    expect((await get(`${files}/stdout.txt?kept=true`)).text).toBe('short\n');
    expect((await get(`${files}/stderr.txt?kept=true`)).text).toMatch(/^1\n2\n[^]*\n2000\n$/);
    const head = await signedRequest(controller, 'HEAD', `${files}/stdout.txt?kept=true`);
    expect(head.headers['content-length']).toBe('6');
    expect(await get(`${files}/stdout.txt`)).toMatchObject({
      status: 409,
      code: 'TaskFilesUnavailable',
    });
    await expect(client.file.getFromTask('g', 't', 'stdout.txt')).rejects.toMatchObject({
      statusCode: 409,
    });
    expect((await get('/jobs/g/tasks/t/files/wd/x')).code).toBe('TaskFilesUnavailable');
    expect(keptFiles('/g-')).toHaveLength(2);
    await client.job.deleteMethod('g');
    await waits(client).jobGone('g');
    await waitFor('the copies to be deleted', () => keptFiles('/g-').length === 0);
  });

  it('of a start task that failed are read when its node is gone', async () => {
    await client.pool.add({
      id: 's',
      ...PROCESS_POOL,
      targetDedicatedNodes: 1,
      startTask: { commandLine: sh('echo why it failed; exit 3'), waitForSuccess: true },
    });
    const [node] = await waits(client).nodes('s', 'starttaskfailed');
    await client.pool.deleteMethod('s');
    await waits(client).poolGone('s');
    const file = `/pools/s/nodes/${String(node?.id)}/files/startup/stdout.txt`;
    expect((await get(`${file}?kept=true`)).text).toBe('why it failed\n');
    expect((await get(`${file}x?kept=true`)).code).toBe('PoolNotFound');
    expect((await get(file)).code).toBe('PoolNotFound');
  });

  it('and directories follow a retention time that is changed while the task runs', async () => {
    const mark = join(marks.path, 'shorter');
    await client.task.add('j', {
      id: 'shorter',
      commandLine: sh(`echo here; while ! [ -e ${mark} ]; do sleep 0.05; done`),
    });
    await waits(client).task('j', 'shorter', 'running');
    await client.task.update('j', 'shorter', { constraints: { retentionTime: 'PT1S' } });
    writeFileSync(mark, '');
    const { nodeInfo } = await waits(client).task('j', 'shorter');
    const directory = join(
      controller.dataDirectory,
      'nodes/testaccount/p',
      nodeInfo?.nodeId ?? '',
      'workitems/j/job-1/shorter',
    );
    await waitFor('the directory to be removed', () => !existsSync(directory));
  });

  it('go for good when the retention time is over, short ones and copied ones', async () => {
    const constraints = { retentionTime: 'PT4S' };
    await client.task.add('j', { id: 'brief', commandLine: sh('echo a'), constraints });
    await client.task.add('j', { id: 'brief-long', commandLine: sh('seq 1 3000'), constraints });
    await waits(client).task('j', 'brief-long');
    expect(keptFiles('/brief-long,d/')).toHaveLength(1);
    const numbers = new Map<string, number>();
    for (const id of ['brief', 'brief-long']) {
      await waits(client).task('j', id);
      numbers.set(id, (await attempts(id))[0]?.attempt ?? 0);
    }
    for (const [id, number] of numbers) expect((await log(id, number)).status).toBe(200);
    for (const [id, number] of numbers)
      await waitFor(`the output of ${id} to be gone`, async () => {
        const { code } = await log(id, number);
        return code === 'TaskFilesCleanedup';
      });
    await waitFor('the copy to be deleted', () => keptFiles('/brief-long,d/').length === 0);
    expect(await attempts('brief')).toHaveLength(1);
  });

  /** Paths of kept logs that hold the text. */
  function keptFiles(text: string): string[] {
    const folder = kept('testaccount/task-logs');
    return existsSync(folder)
      ? readdirSync(folder, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => `${entry.parentPath}/${entry.name}`)
          .filter((path) => path.includes(text))
      : [];
  }
});
