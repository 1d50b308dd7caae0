import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { BatchError } from '../../../protocol/batch/errors.js';
import type { Job } from '../../core/job/state.js';
import type { Task } from '../../core/task/state.js';
import type { Call } from '../call.js';
import type { OpenLog } from '../ports.js';
import { readRange } from './range.js';

/** The outputs that are kept. */
export const LOG_FILES: readonly string[] = ['stdout.txt', 'stderr.txt'];

/** A log that is kept apart from its node. */
export type KeptFile = OpenLog;

function setHeaders(call: Call, { lastModified, skipped }: KeptFile): void {
  const { context } = call;
  context.set('Content-Type', 'text/plain');
  context.set('Last-Modified', new Date(lastModified).toUTCString());
  context.set('ocp-batch-file-isdirectory', 'false');
  context.set('ocp-batch-file-mode', '0o100640');
  context.set('DataServiceVersion', '3.0');
  // Bytes of the file in front of those that were kept.
  context.set('batchyard-log-skipped', String(skipped));
}

/** The headers alone. */
export async function sendKeptProperties(call: Call, kept: KeptFile): Promise<void> {
  setHeaders(call, kept);
  call.context.set('Content-Length', String(kept.bytes));
  await kept.close();
}

/** What was kept, or the asked range of it, with 200 as every file. */
export async function sendKept(call: Call, kept: KeptFile): Promise<void> {
  const { start = 0, end = kept.bytes - 1 } = readRange(call) ?? {};
  const last = Math.min(end, kept.bytes - 1);
  const { context } = call;
  try {
    if (start > 0 && start >= kept.bytes) throw new BatchError('InvalidRange');
    setHeaders(call, kept);
    context.set('Content-Length', String(Math.max(0, last - start + 1)));
    if (last < start) {
      context.body = Buffer.alloc(0);
      return;
    }
    const body = await kept.read(start, last);
    context.respond = false;
    await pipeline(body, context.res).catch((error: unknown) => {
      call.ports.log.debug({ error, path: context.path }, 'a kept log was not sent to its end');
    });
  } finally {
    await kept.close();
  }
}

/** What is kept of an attempt's output: sent along with its end, or copied to the object store. */
export async function openKeptLog(
  call: Call,
  job: Readonly<Job>,
  task: Readonly<Task>,
  attempt: number,
  file: string,
): Promise<KeptFile | undefined> {
  const short = await call.ports.reader.attemptLog(task.key, attempt);
  const text = file === 'stdout.txt' ? short?.stdout : short?.stderr;
  if (text !== undefined) {
    const content = Buffer.from(text, 'base64');
    return {
      bytes: content.length,
      skipped: 0,
      lastModified: task.execution.endTime ?? task.stateTransitionTime,
      read: (start, end) => Promise.resolve(Readable.from([content.subarray(start, end + 1)])),
      close: () => Promise.resolve(),
    };
  }
  return call.ports.keptLogs?.open({ kind: 'task', task: task.key, job, attempt }, file);
}
