import { createHmac } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { join } from 'node:path';
import type { BatchServiceClient } from '@azure/batch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringToSign } from '../../controller/http/shared-key.js';
import { batchClient } from '../support/client.js';
import { PROCESS_POOL, sh, waits } from '../support/process-pool.js';
import { signedRequest } from '../support/signed-request.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';
import { tempDirectory } from '../support/temp-dir.js';
import { waitFor } from '../support/wait-for.js';

const marks = tempDirectory('follow');
let controller: StartedController;
let client: BatchServiceClient;
beforeAll(async () => {
  controller = await startController();
  client = batchClient(controller);
  await client.pool.add({ id: 'p', ...PROCESS_POOL, targetDedicatedNodes: 1, taskSlotsPerNode: 4 });
  await client.job.add({ id: 'j', poolInfo: { poolId: 'p' } });
  await waits(client).nodes('p', 'idle');
});
afterAll(async () => {
  await controller.stop();
  marks.remove();
});

interface Follower {
  text: string;
  ended: boolean;
  failed: boolean;
  trailers: NodeJS.Dict<string>;
  answer: IncomingMessage;
  sent: ClientRequest;
}

// covers Task_Follow
/** A reader of the stream; with `pauses` it takes nothing until told to. */
function follow(
  taskId: string,
  file = 'stdout.txt',
  { headers = {}, pauses = false }: { headers?: Record<string, string>; pauses?: boolean } = {},
): Promise<Follower> {
  const url = `/jobs/j/tasks/${taskId}/follow/${file}?api-version=2022-10-01.16.0`;
  const all = { 'ocp-date': new Date().toUTCString(), ...headers };
  const text = stringToSign({ method: 'GET', url, headers: all }, controller.account, 'SharedKey');
  const signature = createHmac('sha256', Buffer.from(controller.key, 'base64')).update(text);
  const authorization = `SharedKey ${controller.account}:${signature.digest('base64')}`;
  const { hostname, port } = new URL(controller.url);
  return new Promise((resolve, reject) => {
    const options = { hostname, port, path: url, headers: { ...all, authorization } };
    const sent = request(options, (answer) => {
      const follower = { text: '', ended: false, failed: false, trailers: {}, answer, sent };
      answer.on('error', () => (follower.failed = true));
      answer.on('end', () => {
        follower.trailers = answer.trailers;
        follower.ended = answer.complete;
      });
      answer.setEncoding('latin1');
      if (pauses) answer.pause();
      else answer.on('data', (part: string) => (follower.text += part));
      resolve(follower);
    });
    sent.on('error', reject);
    sent.end();
  });
}

const ended = (follower: Follower) =>
  waitFor('the end of the stream', () => follower.ended, { timeoutMs: 30_000 });

/** A task that goes a step further each time the test says so. */
const stepwise = (name: string, more = '') =>
  sh(
    `for n in 1 2 3; do echo step $n; while ! [ -e ${join(marks.path, name)}-$n ]; do sleep 0.05; done; done; ${more}`,
  );
const step = (name: string, number: number) =>
  writeFileSync(`${join(marks.path, name)}-${String(number)}`, '');

describe('following a file of a task', () => {
  it('sends what is written when it is written, and says how it ended', async () => {
    await client.task.add('j', { id: 'slow', commandLine: stepwise('slow', 'exit 3') });
    const follower = await follow('slow');
    for (const number of [1, 2, 3]) {
      await waitFor(`step ${String(number)}`, () =>
        follower.text.endsWith(`step ${String(number)}\n`),
      );
      expect(follower.ended).toBe(false);
      step('slow', number);
    }
    await ended(follower);
    expect(follower.text).toBe('step 1\nstep 2\nstep 3\n');
    expect(follower.trailers).toMatchObject({ 'batchyard-follow-end': 'completed' });
  });

  it('waits for a task that has not begun, and for a file that is not there yet', async () => {
    await client.job.disable('j', 'wait');
    await waits(client).job('j', 'disabled');
    await client.task.add('j', {
      id: 'later',
      commandLine: sh(
        `while ! [ -e ${marks.path}/later ]; do sleep 0.05; done; echo made > made.txt`,
      ),
    });
    const follower = await follow('later', 'wd/made.txt');
    await client.job.enable('j');
    await waits(client).task('j', 'later', 'running');
    expect(follower.text).toBe('');
    writeFileSync(join(marks.path, 'later'), '');
    await ended(follower);
    expect(follower.text).toBe('made\n');
  });

  it('starts in the middle where the range says so, also after the end of the task', async () => {
    await client.task.add('j', { id: 'over', commandLine: sh('printf 0123456789') });
    await waits(client).task('j', 'over');
    const follower = await follow('over', 'stdout.txt', { headers: { 'ocp-range': 'bytes=4-' } });
    await ended(follower);
    expect(follower.text).toBe('456789');
  });

  it('ends with its attempt, and the next one is followed by asking again', async () => {
    const mark = join(marks.path, 'twice');
    await client.task.add('j', {
      id: 'twice',
      commandLine: sh(
        `if [ -e ${mark} ]; then echo second; exit 0; fi; echo first; while ! [ -e ${mark} ]; do sleep 0.05; done; exit 1`,
      ),
      constraints: { maxTaskRetryCount: 1 },
    });
    const first = await follow('twice');
    await waitFor('the first attempt to write', () => first.text === 'first\n');
    writeFileSync(mark, '');
    await ended(first);
    expect(first.trailers['batchyard-follow-end']).toBe('retried');
    const second = await follow('twice');
    await ended(second);
    expect(second.text).toBe('second\n');
    expect(Number(second.trailers['batchyard-follow-attempt'])).toBeGreaterThan(
      Number(first.trailers['batchyard-follow-attempt']),
    );
  });

  it('ends when the task is deleted', async () => {
    await client.task.add('j', { id: 'gone', commandLine: sh('echo here; sleep 600') });
    const follower = await follow('gone');
    await waitFor('the first line', () => follower.text === 'here\n');
    await client.task.deleteMethod('j', 'gone');
    await ended(follower);
    expect(follower.trailers['batchyard-follow-end']).toBe('deleted');
  });

  it('refuses a task that does not exist and a path that leaves the task', async () => {
    const of = async (path: string) =>
      (await signedRequest(controller, 'GET', `/jobs/j/tasks/${path}`)).code;
    expect(await of('none/follow/stdout.txt')).toBe('TaskNotFound');
    expect(await of('over/follow/%2E%2E/other/stdout.txt')).toBe('FileNotFound');
  });
});

describe('a reader', () => {
  const MIB = 1024 * 1024;

  it('that takes nothing holds the stream back: neither program keeps what it does not take', async () => {
    await client.task.add('j', {
      id: 'flood',
      commandLine: sh('dd if=/dev/zero bs=1M count=400 2>/dev/null; echo done >&2'),
    });
    const follower = await follow('flood', 'stdout.txt', { pauses: true });
    await waits(client).task('j', 'flood');
    for (const pid of [controller.pid, agent()]) expect(residentOf(pid)).toBeLessThan(300 * MIB);
    let bytes = 0;
    follower.answer.on('data', (part: string) => (bytes += part.length));
    follower.answer.resume();
    await ended(follower);
    expect(bytes).toBe(400 * MIB);
  });

  it('that goes away frees the file on the node', async () => {
    await client.task.add('j', { id: 'left', commandLine: sh('echo a > kept-open; sleep 600') });
    const follower = await follow('left', 'wd/kept-open');
    await waitFor('the first line', () => follower.text === 'a\n');
    expect(openFiles()).toBe(1);
    follower.sent.destroy();
    await waitFor('the file to be closed', () => openFiles() === 0);
    await client.task.terminate('j', 'left');
    await waits(client).task('j', 'left');
  });

  it('goes on after the link of the node was cut', async () => {
    await client.task.add('j', { id: 'cut', commandLine: stepwise('cut') });
    const before = await follow('cut');
    await waitFor('step 1', () => before.text === 'step 1\n');
    process.kill(agent(), 'SIGSTOP');
    step('cut', 1);
    process.kill(agent(), 'SIGCONT');
    await waitFor('step 2', () => before.text === 'step 1\nstep 2\n');
    await controller.restart();
    await waitFor('the reader of the old controller to notice', () => before.failed);
    const after = await follow('cut');
    step('cut', 2);
    await waitFor('step 3', () => after.text.endsWith('step 3\n'));
    step('cut', 3);
    await ended(after);
    expect(after.text).toBe('step 1\nstep 2\nstep 3\n');
  });

  const residentOf = (pid: number) =>
    1024 *
    Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8'))?.[1]);

  function agent(): number {
    const found = readdirSync('/proc').find((pid) => {
      const file = `/proc/${pid}/cmdline`;
      if (!/^\d+$/.test(pid) || !existsSync(file)) return false;
      const [program, ...rest] = readFileSync(file, 'utf8').split('\0');
      const isNode = program?.endsWith('node') === true;
      return (
        isNode &&
        rest.some((one) => one.endsWith('agent.mjs')) &&
        rest.join(' ').includes(controller.dataDirectory)
      );
    });
    return Number(found);
  }

  const openFiles = () =>
    readdirSync(`/proc/${String(agent())}/fd`).filter((name) => {
      try {
        return readlinkSync(`/proc/${String(agent())}/fd/${name}`).endsWith('/kept-open');
      } catch {
        return false; // Closed meanwhile.
      }
    }).length;
});
