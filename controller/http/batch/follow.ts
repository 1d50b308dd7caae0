import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { BatchError } from '../../../protocol/batch/errors.js';
import { jobKey, taskKey } from '../../../protocol/keys.js';
import type { JobKey, TaskKey } from '../../../protocol/keys.js';
import type { Job } from '../../core/job/state.js';
import type { Task } from '../../core/task/state.js';
import type { Call } from '../call.js';
import { LOG_FILES, openKeptLog } from './kept-file.js';
import { idOf } from './call-input.js';
import { readPath } from './node-file.js';
import { readRange } from './range.js';

/** How soon a change of the task's state is seen; each look is one look into a table of memory. */
const LOOK_MS = 100;
const FOLLOWERS_MAX = 256;
/** Of asking a node for the rest of a file whose task is over. */
const FAILURES_MAX = 20;

/**
 * completed  the attempt ended and the task with it; the file was sent to its end
 * retried    the attempt is over and the task is tried again: ask again to follow the next attempt
 * deleted    the task is gone
 */
type End = 'completed' | 'retried' | 'deleted';

interface Followed {
  readonly job: Readonly<Job>;
  readonly key: TaskKey;
  readonly path: string;
  position: number;
  /** The attempt whose file is being sent. */
  attempt?: number;
}

let followers = 0;

/**
 * Task_Follow: the file as it is written, from `ocp-range: bytes=N-` on, until the attempt ends. Waits
 * for a task that has not begun and for a file that is not there yet; goes on after a lost link. Trailers
 * tell the attempt (`batchyard-follow-attempt`) and why it ended (`batchyard-follow-end`).
 * @throws BatchError JobNotFound, TaskNotFound, ServerBusy
 */
export async function followTask(call: Call): Promise<void> {
  const job = call.ports.view.jobs.get(jobKey(call.account, idOf(call, 'jobId')));
  if (job === undefined) throw new BatchError('JobNotFound');
  const key = taskKey(job.key, idOf(call, 'taskId'));
  if ((await findTask(call, job.key, key)) === undefined) throw new BatchError('TaskNotFound');
  const followed: Followed = {
    job,
    key,
    path: readPath(call),
    position: readRange(call)?.start ?? 0,
  };
  if (followers >= FOLLOWERS_MAX) throw new BatchError('ServerBusy');
  const { context } = call;
  context.respond = false;
  const response = context.res;
  const left = new AbortController();
  response.once('close', () => {
    left.abort();
  });
  response.writeHead(200, {
    'content-type': 'application/octet-stream',
    trailer: 'batchyard-follow-attempt, batchyard-follow-end',
    'x-accel-buffering': 'no',
  });
  response.flushHeaders();
  followers += 1;
  try {
    const end = await send(call, followed, response, left.signal);
    response.addTrailers({
      'batchyard-follow-attempt': String(followed.attempt ?? 0),
      'batchyard-follow-end': end,
    });
    response.end();
  } catch (error) {
    // The reader sees that the connection was cut: what it has is not all.
    if (!left.signal.aborted)
      call.ports.log.warn({ err: error, path: context.path }, 'a follower was cut');
    response.destroy();
  } finally {
    followers -= 1;
  }
}

async function findTask(
  { ports: { view, reader } }: Call,
  job: JobKey,
  key: TaskKey,
): Promise<Readonly<Task> | undefined> {
  if (!view.jobs.has(job)) return undefined;
  return view.task(key) ?? (await reader.get('task', key));
}

async function send(
  call: Call,
  followed: Followed,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<End> {
  const { nodeFiles } = call.ports;
  let failures = 0;
  for (;;) {
    signal.throwIfAborted();
    const task = await findTask(call, followed.job.key, followed.key);
    if (task === undefined) return 'deleted';
    const begun = task.node !== undefined && task.execution.startTime !== undefined;
    const isOther = followed.attempt !== undefined && (!begun || task.attempt !== followed.attempt);
    if (isOther) return 'retried';
    const isOver = task.state === 'completed';
    if (begun && task.node !== undefined) {
      followed.attempt = task.attempt;
      if (nodeFiles.isOnline(task.node)) {
        const isWhole = await sendFromNode(call, followed, task, response, signal);
        if (isWhole && isOver) return 'completed';
        if (isOver && (failures += 1) > FAILURES_MAX)
          return sendKeptRest(call, followed, task, response, signal);
      } else if (isOver) return sendKeptRest(call, followed, task, response, signal);
    } else if (isOver) return 'completed';
    await pause(LOOK_MS, undefined, { signal });
  }
}

/** True: the node sent all that there will be of this attempt. False: its link was lost. */
async function sendFromNode(
  call: Call,
  followed: Followed,
  task: Readonly<Task>,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<boolean> {
  if (task.node === undefined) return false;
  const path = `workitems/${followed.job.folder}/${task.id}/${followed.path}`;
  try {
    const body = await call.ports.nodeFiles.follow(task.node, path, followed.position);
    const stop = () => body.destroy();
    signal.addEventListener('abort', stop);
    try {
      for await (const chunk of body) {
        followed.position += (chunk as Buffer).length;
        await write(response, chunk as Buffer, signal);
      }
    } finally {
      signal.removeEventListener('abort', stop);
    }
    return true;
  } catch (error) {
    signal.throwIfAborted();
    // Of the node's refusals none is for ever but a path that no file can have.
    if (error instanceof BatchError && error.code === 'FileNotFound') throw error;
    call.ports.log.debug({ err: error, path }, 'a followed file was not sent to its end');
    return false;
  }
}

/** What is kept of an output although its node is gone, from where the follower is. */
async function sendKeptRest(
  call: Call,
  followed: Followed,
  task: Readonly<Task>,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<End> {
  const { job, path, position } = followed;
  const kept = LOG_FILES.includes(path)
    ? await openKeptLog(call, job, task, task.attempt, path)
    : undefined;
  if (kept === undefined) return 'completed';
  try {
    const start = Math.max(0, position - kept.skipped);
    if (start < kept.bytes)
      for await (const chunk of await kept.read(start, kept.bytes - 1))
        await write(response, chunk as Buffer, signal);
  } finally {
    await kept.close();
  }
  return 'completed';
}

/** No faster than the reader takes. */
async function write(response: ServerResponse, chunk: Buffer, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (!response.write(chunk)) await once(response, 'drain', { signal });
}
