import type { IncomingMessage } from 'node:http';
import type Koa from 'koa';
import { jobNodeKey, jobOf, specialRunsKey } from '../../../protocol/keys.js';
import type { NodeKey, TaskKey } from '../../../protocol/keys.js';
import type { Job } from '../../core/job/state.js';
import type { LogOwner } from '../../core/task/history.js';
import type { StateView } from '../../engine/ports.js';
import type { Reader } from '../../engine/reader.js';
import type { KeptLogFiles } from '../ports.js';

export interface LogPorts {
  readonly view: StateView;
  readonly reader: Reader;
  readonly keptLogs: KeptLogFiles;
  /** The node whose secret the request carries, or the status to answer with. */
  identify(request: IncomingMessage): { nodeKey: NodeKey; incarnation: number } | 401 | 410;
}

/** `PUT /agent/logs/stdout.txt?task={key}&attempt={n}` or `?startTask=true&run={n}`: the last bytes of an output. */
export const LOG_PATH = /^\/agent\/logs\/(stdout\.txt|stderr\.txt)$/;

/** Takes a copy from the node that ran the attempt, and from no other. */
export async function keepLog(ports: LogPorts, context: Koa.Context, file: string): Promise<void> {
  const who = ports.identify(context.req);
  const owner = typeof who === 'number' ? who : await ownerOf(ports, who, context.query);
  const bytes = Number(context.get('content-length'));
  if (typeof owner === 'number' || !Number.isInteger(bytes)) {
    // The body is not read: the connection can't be used again.
    context.set('connection', 'close');
    context.status = typeof owner === 'number' ? owner : 411;
    return;
  }
  const skipped = Number(context.query['skipped'] ?? 0);
  await ports.keptLogs.keep(owner, file, context.req, {
    skipped: Number.isSafeInteger(skipped) && skipped >= 0 ? skipped : 0,
    bytes,
    ended: context.query['ended'] === 'true',
  });
  context.status = 204;
}

async function ownerOf(
  { view, reader }: LogPorts,
  { nodeKey, incarnation }: { nodeKey: NodeKey; incarnation: number },
  query: Koa.Context['query'],
): Promise<LogOwner | 404> {
  if (query['startTask'] === 'true') {
    const run = /^\d{1,9}$/.exec(String(query['run']))?.[0];
    const boot = { kind: 'boot', node: nodeKey, incarnation } as const;
    return { ...boot, ...(run === undefined ? {} : { run: Number(run) }) };
  }
  const [, name = '', part] = /^(.*?)(?::(\d{1,9}))?$/.exec(String(query['task'] ?? '')) ?? [];
  const key = name as TaskKey;
  const attempt = Number(query['attempt']);
  const job = view.jobs.get(jobOf(key));
  if (job === undefined || !Number.isInteger(attempt)) return 404;
  const task = view.task(key) ?? (await reader.get('task', key));
  if (task === undefined) return specialOwner({ view, reader }, nodeKey, job, key, attempt);
  const owner: LogOwner = { kind: 'task', task: key, job, attempt };
  const [past] = task.attempt === attempt ? [] : await reader.attempts(key, attempt - 1, 1);
  const ran = task.attempt === attempt ? task : past?.number === attempt ? past : undefined;
  if (part === undefined) return ran?.node === nodeKey ? owner : 404;
  const subtask = ran?.subtasks?.find(({ id }) => id === Number(part));
  return subtask?.node === nodeKey ? { ...owner, subtask: subtask.id } : 404;
}

/** Of a job preparation or release task, which is no task of the store. */
async function specialOwner(
  { view, reader }: Pick<LogPorts, 'view' | 'reader'>,
  node: NodeKey,
  job: Readonly<Job>,
  key: TaskKey,
  attempt: number,
): Promise<LogOwner | 404> {
  const { jobPreparationTask, jobReleaseTask } = job.specification;
  const id = key.slice(key.lastIndexOf('/') + 1);
  const kind =
    jobPreparationTask?.id.toLowerCase() === id
      ? 'preparation'
      : jobReleaseTask?.id.toLowerCase() === id
        ? 'release'
        : undefined;
  if (kind === undefined) return 404;
  const runs = specialRunsKey(jobNodeKey(job.key, node), kind);
  const owner: LogOwner = { kind: 'special', runs, job, attempt };
  if (view.jobNode(job.key, node)?.[kind]?.attempt === attempt) return owner;
  const [past] = await reader.attempts(runs, attempt - 1, 1);
  return past?.number === attempt ? owner : 404;
}
