import type { Outcome } from '../../../protocol/agent/event.js';
import type { AttemptRef } from '../../../protocol/agent/message.js';
import type { TaskKey } from '../../../protocol/keys.js';
import { prepareNode } from '../job-node/prepare.js';
import { noteRecentTask } from '../node/recent-tasks.js';
import type { Node } from '../node/state.js';
import type { Recorder } from '../recorder.js';
import type { State } from '../state.js';
import { completeTask, exitFailure, type JobConsequence } from './complete.js';
import { countRunning, dropSubtask, exorcise, hold, holdSubtask } from './hold.js';
import { diedUnder, quarantine } from './quarantine.js';
import { backToActive } from './ready.js';
import type { GroupEnd, Subtask, Task } from './state.js';
import { stopAttempt } from './stop.js';
import { endSubtask, moveSubtask } from './subtask.js';
import { jobOfTask, moveTask } from './transition.js';

/**
 * Attempts of multi-instance tasks. The primary (subtask 0) is the task's own attempt; every other part
 * is a `Subtask` of the task's row that holds a whole node.
 *
 *   all nodes taken ──► coordination command on each ──► all ended well: the primary proceeds
 *   the primary's attempt ends, or is told to ──► what is left of the other parts is killed
 *   another part fails or is lost ──► the primary is told to end; the whole is tried again, or failed
 */

/** Gives the task's next attempt to the node; the attempt's number is durable before it is sent. */
export function assignTask(recorder: Recorder, node: Node, task: Task): void {
  const { state } = recorder;
  task.attempt += 1;
  const job = jobOfTask(state, task.key);
  const isPrepared = prepareNode(recorder, job, node);
  task.phase = isPrepared ? 'assigned' : 'preparing';
  task.node = node.key;
  task.nodeId = node.id;
  const poolId = state.pools.get(node.pool)?.id;
  if (poolId !== undefined) task.poolId = poolId;
  state.workOfJob(task.job).dependencies.remove(task);
  hold(state, node, task);
  recorder.changed('task', task);
  if (isPrepared) recorder.assign(node, task);
  else moveTask(recorder, task, 'preparing');
}

/** The same for a multi-instance task: the first node is the primary's. */
export function assignGroup(recorder: Recorder, nodes: readonly Node[], task: Task): void {
  const [primary, ...others] = nodes;
  if (primary === undefined) return;
  delete task.coordinated;
  delete task.proceeded;
  assignTask(recorder, primary, task);
  task.subtasks = others.map((node, index) => {
    const subtask: Subtask = {
      key: subtaskKey(task.key, index + 1),
      task: task.key,
      id: index + 1,
      attempt: task.attempt,
      node: node.key,
      nodeId: node.id,
      phase: 'assigned',
      state: 'preparing',
      stateTransitionTime: recorder.now,
    };
    holdSubtask(recorder.state, node, subtask);
    const isPrepared = prepareNode(recorder, jobOfTask(recorder.state, task.key), node);
    if (isPrepared) recorder.assign(node, subtask);
    return subtask;
  });
}

const subtaskKey = (task: TaskKey, id: number) => `${task}:${id}` as TaskKey;

/** The subtask that an agent's key names, if it is one: task ids have no colon. */
function parse(key: string): { task: TaskKey; id: number } | undefined {
  const at = key.lastIndexOf(':');
  return at < key.lastIndexOf('/')
    ? undefined
    : { task: key.slice(0, at) as TaskKey, id: Number(key.slice(at + 1)) };
}

export const isSubtask = (ref: AttemptRef) => parse(ref.taskKey) !== undefined;

interface Part {
  task: Task;
  subtask: Subtask;
}

/** The living part that is meant; those of older attempts are history. */
export function currentSubtask(state: State, node: Node, ref: AttemptRef): Part | undefined {
  const name = parse(ref.taskKey);
  const task = name === undefined ? undefined : state.tasks.get(name.task);
  const subtask = task?.subtasks?.find(({ id }) => id === name?.id);
  if (task === undefined || subtask?.attempt !== ref.attempt) return undefined;
  return subtask.node === node.key && subtask.phase !== undefined ? { task, subtask } : undefined;
}

export function subtaskStarted(
  recorder: Recorder,
  node: Node,
  ref: AttemptRef,
  startTime: number,
): void {
  const part = currentSubtask(recorder.state, node, ref);
  if (part?.subtask.phase !== 'assigned') return;
  const { task, subtask } = part;
  subtask.phase = 'running';
  subtask.startTime = startTime;
  moveSubtask(subtask, 'running', recorder.now);
  countRunning(recorder, node, { requiredSlots: 1 }, 1);
  noteRecentTask(recorder, node, jobOfTask(recorder.state, task.key), task, subtask.id);
  recorder.changed('task', task);
}

/** A coordination command has ended well; when all have, the primary proceeds. */
export function coordinated(
  recorder: Recorder,
  node: Node,
  ref: AttemptRef,
  outcome: Outcome,
  primary: Task | undefined,
): void {
  const part = currentSubtask(recorder.state, node, ref);
  const task = part?.task ?? primary;
  if (task === undefined) return;
  if (part === undefined) task.coordinated = true;
  else if (part.subtask.state !== 'completed') {
    subtaskStarted(recorder, node, ref, outcome.startTime ?? outcome.endTime);
    endSubtask(part.subtask, outcome, recorder.now);
  }
  recorder.changed('task', task);
  const all = task.subtasks?.every(({ result }) => result === 'success') ?? true;
  if (task.coordinated !== true || !all || task.stopping !== undefined) return;
  task.proceeded = true;
  proceed(recorder, task);
}

/** Tells the primary's agent to go on; it may hear it more than once. */
export function proceed(recorder: Recorder, task: Task): void {
  const node = task.node === undefined ? undefined : recorder.state.nodes.get(task.node);
  if (node === undefined) return;
  const { key: nodeKey, incarnation } = node;
  const attempts = [{ taskKey: task.key, attempt: task.attempt }];
  recorder.ask({ type: 'proceedAttempts', nodeKey, incarnation, attempts });
}

/** A part's attempt is over although nobody asked for it (or it was one that was being killed). */
export function subtaskEnded(
  recorder: Recorder,
  node: Node,
  ref: AttemptRef,
  outcome: Outcome | undefined,
): void {
  const part = currentSubtask(recorder.state, node, ref);
  if (part === undefined) return exorcise(recorder, node, ref.taskKey, ref.attempt);
  const { task, subtask } = part;
  if (outcome === undefined || outcome.stopped === true || succeeded(outcome)) {
    loseSubtask(recorder, subtask, false);
    return;
  }
  const failure = outcome.failure ?? exitFailure(outcome.exitCode ?? -1);
  if (outcome.startTime !== undefined) subtaskStarted(recorder, node, ref, outcome.startTime);
  endSubtask(subtask, { ...outcome, failure }, recorder.now);
  dropSubtask(recorder, node, subtask);
  giveUp(recorder, task, {
    kind: 'failed',
    failure: {
      ...failure,
      message: `Subtask ${subtask.id} failed: ${failure.message}`,
      details: [...failure.details, { name: 'SubtaskId', value: String(subtask.id) }],
    },
    ...(outcome.preProcessing === true ? { preProcessing: true } : {}),
  });
}

const succeeded = ({ failure, exitCode }: Outcome) => failure === undefined && exitCode === 0;

/** The part's node can't run it any more: the task is tried again, and nothing is counted. */
export function loseSubtask(
  recorder: Recorder,
  subtask: Subtask,
  died = subtask.phase === 'running',
): void {
  const { state } = recorder;
  const task = state.tasks.get(subtask.task);
  const node = state.nodes.get(subtask.node);
  endSubtask(subtask, undefined, recorder.now);
  if (node !== undefined) dropSubtask(recorder, node, subtask);
  if (task !== undefined) giveUp(recorder, task, { kind: 'lost', ...(died ? { died } : {}) });
}

function giveUp(recorder: Recorder, task: Task, because: GroupEnd): void {
  recorder.changed('task', task);
  if (task.phase === undefined || task.stopping !== undefined) return;
  stopAttempt(recorder, task, 'requeue', because);
}

/** The primary has ended because another part did: again, or over. */
export function groupEnded(
  recorder: Recorder,
  task: Task,
  because: GroupEnd,
  end: Partial<Outcome> & { endTime: number },
): JobConsequence | undefined {
  if (because.kind === 'lost') {
    if (because.died === true && diedUnder(recorder, task)) return quarantine(recorder, task, end);
    backToActive(recorder, task, 'lost', end);
    return undefined;
  }
  if (because.preProcessing !== true && hasRetries(recorder, task)) {
    backToActive(recorder, task, 'retried', end);
    return undefined;
  }
  const { failure, preProcessing } = because;
  return completeTask(recorder, task, {
    ...end,
    ...(failure === undefined ? {} : { failure }),
    ...(preProcessing === undefined ? {} : { preProcessing }),
  });
}

/** Another try is allowed, and not in a job that ends. */
export function hasRetries(recorder: Recorder, task: Task): boolean {
  const { state } = jobOfTask(recorder.state, task.key);
  if (state !== 'active' && state !== 'disabling' && state !== 'disabled') return false;
  return task.maxTaskRetryCount === -1 || task.execution.retryCount < task.maxTaskRetryCount;
}
