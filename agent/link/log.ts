import type { SendRequest } from './enrol.js';

const IDLE_MS = 10_000;

/** Which log a copy is of; a start task has neither task nor attempt, but runs. */
export interface LogCopy {
  of: { taskKey: string; attempt: number } | { startTaskRun: number };
  file: 'stdout.txt' | 'stderr.txt';
  content: Buffer;
  /** Bytes of the file in front of the content. */
  skipped: number;
  /** The last copy of this run. */
  ended: boolean;
}

/** Sends the last bytes of an output to the controller. False: it does not want them, now or later. */
export async function sendLog(
  send: SendRequest,
  link: { controllerUrl: string; nodeKey: string; incarnation: number; secret: string },
  copy: LogCopy,
  signal: AbortSignal,
): Promise<boolean> {
  const url = new URL(`/agent/logs/${copy.file}`, link.controllerUrl);
  if ('startTaskRun' in copy.of) {
    url.searchParams.set('startTask', 'true');
    url.searchParams.set('run', String(copy.of.startTaskRun));
  } else {
    url.searchParams.set('task', copy.of.taskKey);
    url.searchParams.set('attempt', String(copy.of.attempt));
  }
  url.searchParams.set('skipped', String(copy.skipped));
  if (copy.ended) url.searchParams.set('ended', 'true');
  const response = await send(url, {
    method: 'PUT',
    headers: {
      authorization: `Bearer ${link.secret}`,
      'x-batchyard-node': `${link.nodeKey};${link.incarnation}`,
      'content-type': 'application/octet-stream',
      'content-length': copy.content.length,
    },
    body: copy.content,
    signal,
    idleMs: IDLE_MS,
  });
  response.resume();
  const status = response.statusCode ?? 0;
  if (status >= 500) throw new Error(`the controller answered a log with status ${status}`);
  return status < 300;
}
