import type { FailureInfo, Outcome } from '../../../protocol/agent/event.js';
import type { NodeKey, RunsKey, SpecialRunsKey, TaskKey } from '../../../protocol/keys.js';
import { isOfStartTask, jobOf } from '../../../protocol/keys.js';
import type { Event } from '../event.js';
import type { Job } from '../job/state.js';
import type { Recorder } from '../recorder.js';
import type { Subtask, Task } from './state.js';
import { endSubtask } from './subtask.js';
import { usageOf, type RunUsage } from './usage.js';

/**
 * Why a run was over.
 *
 * completed    it was the last; of tasks, this is never kept: the task tells it
 * retried      a nonzero exit that the task's constraints allow to be tried again
 * requeued     a user's deed: its job was disabled, its node taken away
 * lost         the node could not run it any more
 * reactivated  it was the last word until the task was reactivated
 */
export type AttemptEnd = 'completed' | 'retried' | 'requeued' | 'lost' | 'reactivated';

/** What a subtask's part of a past attempt came to. */
export type PastSubtask = Pick<
  Subtask,
  'id' | 'node' | 'nodeId' | 'startTime' | 'endTime' | 'exitCode' | 'failureInfo' | 'result'
>;

/**
 * A run that is over while what it is of is not: the latest attempt of a task or start task is told by the
 * task or node itself, so one that succeeds at once has no such row. Runs of special tasks are here from
 * their beginning; those without `end` go on.
 */
export interface PastAttempt {
  /** Whose run it was. */
  readonly task: RunsKey;
  readonly number: number;
  readonly node: NodeKey;
  readonly nodeId: string;
  readonly poolId: string;
  readonly end?: AttemptEnd;
  readonly startTime?: number;
  readonly endTime?: number;
  readonly exitCode?: number;
  readonly failureInfo?: FailureInfo;
  readonly result?: 'success' | 'failure';
  readonly used?: RunUsage;
  /** Of a multi-instance task: its other parts that began. */
  readonly subtasks?: readonly PastSubtask[];
  /** Of a start task: the boot of its node, and the run in it. */
  readonly incarnation?: number;
  readonly retryCount?: number;
  /** Epoch milliseconds; absent: as long as the task or job. */
  readonly expires?: number;
}

/** Which log: of one attempt of a task, or of one boot of a node: of its start task, or its console. */
export type LogOwner =
  | { kind: 'task'; task: TaskKey; job: Readonly<Job>; attempt: number; subtask?: number }
  | { kind: 'special'; runs: SpecialRunsKey; job: Readonly<Job>; attempt: number }
  /** `run`: of the start task, its retry count. */
  | { kind: 'boot'; node: NodeKey; incarnation: number; run?: number };

/** Short outputs of one attempt, base64, as its node sent them with its end. */
export interface AttemptLog {
  readonly task: TaskKey;
  readonly number: number;
  readonly stdout?: string;
  readonly stderr?: string;
  /** Epoch milliseconds; absent: as long as the task. */
  readonly expires?: number;
}

/** A log in the object store that somebody must delete one day. */
export interface KeptLog {
  /** `{account}/{container}/{blob}`. */
  readonly blob: string;
  readonly owner: RunsKey;
  /** Epoch milliseconds: when to see whether its time is over. */
  readonly lookAt: number;
}

/** What one tick adds to and takes from the history of tasks: rows that memory never holds. */
export interface History {
  attempts: PastAttempt[];
  logs: AttemptLog[];
  kept: KeptLog[];
  /** Blobs that are deleted. */
  forgotten: string[];
  /** Short outputs that expired by then go. */
  expiredAt?: number;
}

export const newHistory = (): History => ({ attempts: [], logs: [], kept: [], forgotten: [] });

export const isEmptyHistory = ({ attempts, logs, kept, forgotten, expiredAt }: History): boolean =>
  attempts.length + logs.length + kept.length + forgotten.length === 0 && expiredAt === undefined;

/** Keeps the present attempt, which is over, before the task forgets it; one that never began leaves no trace. */
export function rememberAttempt(
  recorder: Recorder,
  task: Task,
  end: AttemptEnd,
  outcome?: Partial<Outcome>,
): void {
  const { node, nodeId, poolId } = task;
  if (node === undefined || nodeId === undefined || poolId === undefined) return;
  const startTime = outcome?.startTime ?? task.execution.startTime;
  if (startTime === undefined) return;
  const { exitCode, failure } = outcome ?? {};
  const used = usageOf(outcome);
  const subtasks = pastSubtasks(task, recorder.now);
  recorder.remember('attempts', {
    task: task.key,
    number: task.attempt,
    node,
    nodeId,
    poolId,
    end,
    startTime,
    endTime: Math.max(outcome?.endTime ?? recorder.now, startTime),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(failure === undefined ? {} : { failureInfo: failure }),
    result: exitCode === 0 && failure === undefined && end !== 'lost' ? 'success' : 'failure',
    ...(used === undefined ? {} : { used }),
    ...(subtasks.length === 0 ? {} : { subtasks }),
  });
}

/** The other parts that began; what still runs of them ends with the attempt. */
const pastSubtasks = ({ subtasks = [] }: Task, now: number): PastSubtask[] =>
  subtasks
    .filter(({ startTime }) => startTime !== undefined)
    .map((present) => {
      const subtask = { ...present };
      endSubtask(subtask, undefined, now);
      return pastSubtask(subtask);
    });

const pastSubtask = (subtask: Subtask): PastSubtask => {
  const { id, node, nodeId, startTime, endTime, exitCode, failureInfo, result } = subtask;
  const past = { id, node, nodeId, startTime, endTime, exitCode, failureInfo, result };
  return Object.fromEntries(
    Object.entries(past).filter(([, value]) => value !== undefined),
  ) as unknown as PastSubtask;
};

/** Keeps what the attempt wrote, where its node sent it along. */
export function rememberLogs(recorder: Recorder, task: Task, outcome: Outcome): void {
  const { logs, endTime } = outcome;
  if (logs === undefined) return;
  recorder.remember('logs', {
    task: task.key,
    number: task.attempt,
    ...logs,
    ...(task.retentionTimeMs === undefined ? {} : { expires: endTime + task.retentionTimeMs }),
  });
}

/** The ledger follows what was deleted, and what stays for now. A log whose task has gone meanwhile is looked at at once. */
export function logsSwept(
  recorder: Recorder,
  event: Extract<Event, { type: 'logsSwept' | 'logsExpired' }>,
): void {
  if (event.type === 'logsExpired') return recorder.expireLogs(event.at);
  recorder.remember('forgotten', ...event.gone);
  const isThere = ({ owner }: KeptLog) =>
    isOfStartTask(owner) || recorder.state.jobs.has(jobOf(owner));
  recorder.remember('kept', ...event.stay.filter(isThere));
}
