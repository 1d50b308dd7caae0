import type { AttemptRef } from '../../../protocol/agent/message.js';
import { jobOf, type TaskKey } from '../../../protocol/keys.js';
import type { Event } from '../event.js';
import { preparationOf } from '../job-node/prepare.js';
import { loseRun } from '../job-node/report.js';
import { currentRun, referenceOf } from '../job-node/run.js';
import { runUnderWay } from '../job-node/state.js';
import { poolVersion } from '../pool/late-changes.js';
import type { Recorder } from '../recorder.js';
import { currentAttempt, loseAttempt } from '../task/attempt.js';
import { currentSubtask, loseSubtask, proceed } from '../task/group.js';
import { exorciseWhere } from '../task/hold.js';
import type { Subtask } from '../task/state.js';
import { NOT_PREPARED } from './console.js';
import type { Node } from './state.js';
import { loseAttempts } from './lose.js';
import { removeWaiting } from './remove-directories.js';
import { fullLease, moveNode } from './transition.js';

type Connected = Extract<Event, { type: 'agentConnected' }>;

/** How long a spool may take to arrive where the agent did not say how far it goes. */
const SPOOL_MS = 2_000;

/** A link is open: it speaks for the node from now on, and what each side holds is compared. */
export function agentConnected(recorder: Recorder, node: Node, event: Connected): void {
  const { nodeKey, incarnation, sessionId } = event;
  const { session } = node;
  if (session.id !== undefined && session.id !== sessionId)
    recorder.ask({ type: 'closeSession', nodeKey, incarnation, sessionId: session.id });
  session.id = sessionId;
  session.failures = 0;
  delete session.retryAt;
  session.leaseUntil = fullLease(recorder);
  node.agentVersion = event.agentVersion;
  node.remarks = event.remarks;
  if (event.ipAddress !== undefined) node.ipAddress = event.ipAddress;
  recorder.changed('node', node);
  recorder.state.toSettle.nodes.add(node.key);
  recorder.ask({
    type: 'welcomeAgent',
    nodeKey,
    incarnation,
    sessionId,
    acknowledged: node.lastEventSequence,
  });
  if (!event.configured) {
    // A process that knows nothing: whatever its predecessor had begun is gone with it.
    loseAttempts(recorder, node);
    configure(recorder, node);
  } else {
    if (event.resumed === true) recorder.ask({ type: 'configureNode', nodeKey, incarnation });
    if (node.state === 'unknown') comeBack(recorder, node);
  }
  removeWaiting(recorder, node);
  compare(recorder, node, event);
}

function configure(recorder: Recorder, node: Node): void {
  const pool = recorder.state.pools.get(node.pool);
  const startTask = pool?.specification.startTask;
  if (startTask?.waitForSuccess === true) node.awaitsStartTask = true;
  else delete node.awaitsStartTask;
  if (pool !== undefined) node.poolVersion = poolVersion(pool);
  recorder.ask({ type: 'configureNode', nodeKey: node.key, incarnation: node.incarnation });
  node.errors = node.errors.filter(({ code }) => code !== NOT_PREPARED);
  // Prepared anew, its start task included: until then it can't run tasks, whatever it was before.
  const restarts = node.draining !== undefined && node.draining.then !== 'offline';
  const goes = node.leaving !== undefined || node.state === 'preempted';
  if (goes || restarts || node.state === 'starting') return;
  node.errors = [];
  node.lastBootTime = recorder.now;
  moveNode(recorder, node, 'starting');
}

/** A node that was not heard of for a while: its tasks were given away, it takes new ones. */
export function comeBack(recorder: Recorder, node: Node): void {
  if (node.awaitsStartTask !== true || node.startTaskInfo?.result === 'success')
    moveNode(recorder, node, 'idle');
  else
    moveNode(
      recorder,
      node,
      node.startTaskInfo?.state === 'completed' ? 'starttaskfailed' : 'waitingforstarttask',
    );
}

function compare(recorder: Recorder, node: Node, event: Connected): void {
  const held = new Set<string>();
  for (const ref of event.held) {
    held.add(`${ref.taskKey}#${ref.attempt}`);
    const task = currentAttempt(recorder, node, ref);
    if (task === undefined || task.stopping !== undefined) {
      const isOther =
        currentSubtask(recorder.state, node, ref) !== undefined || isGoingOn(recorder, node, ref);
      if (!isOther) recorder.stop(node, ref);
    } else {
      if (event.resumed === true) recorder.assign(node, task, true);
      if (task.proceeded === true) proceed(recorder, task);
    }
  }
  exorciseWhere(recorder, node, (_ghost, name) => !held.has(name));
  const load = recorder.state.loadOf(node);
  const expected = [...load.attempts.keys(), ...load.subtasks]
    .filter((task) => task.phase !== 'preparing')
    .map((task) => ({ taskKey: task.key, attempt: task.attempt }));
  for (const jobNode of load.special) {
    const ref = referenceOf(recorder.state, jobNode);
    if (ref !== undefined) expected.push({ ...ref, taskKey: ref.taskKey as TaskKey });
  }
  const attempts = expected.filter((ref) => !held.has(`${ref.taskKey}#${ref.attempt}`));
  if (attempts.length === 0) delete node.session.unconfirmed;
  else
    node.session.unconfirmed = {
      attempts,
      until: recorder.now + SPOOL_MS,
      sequence: event.lastSequence ?? Infinity,
    };
}

/** A special task of a job that nobody told to end. */
const isGoingOn = (recorder: Recorder, node: Node, ref: AttemptRef) => {
  const jobNode = currentRun(recorder.state, node, ref);
  return jobNode !== undefined && runUnderWay(jobNode)?.run.stopping !== true;
};

/**
 * The spool has been heard (or took too long): attempts the agent neither holds nor reported were never
 * received, and are sent again; or were begun and forgotten by an agent that restarted, and are lost.
 */
export function decideUnconfirmed(recorder: Recorder, node: Node): void {
  const { unconfirmed } = node.session;
  if (unconfirmed === undefined) return;
  if (recorder.now < unconfirmed.until && node.lastEventSequence < unconfirmed.sequence) return;
  delete node.session.unconfirmed;
  for (const ref of unconfirmed.attempts) {
    if (decideSpecial(recorder, node, ref)) continue;
    const subtask = currentSubtask(recorder.state, node, ref)?.subtask;
    if (subtask?.phase === 'running') loseSubtask(recorder, subtask);
    else if (subtask !== undefined && isPrepared(recorder, node, subtask))
      recorder.assign(node, subtask);
    const task = currentAttempt(recorder, node, ref);
    if (task === undefined) continue;
    if (task.phase === 'running' || task.stopping !== undefined) loseAttempt(recorder, task);
    else recorder.assign(node, task);
  }
}

function decideSpecial(recorder: Recorder, node: Node, ref: AttemptRef): boolean {
  const jobNode = currentRun(recorder.state, node, ref);
  const run = jobNode === undefined ? undefined : runUnderWay(jobNode)?.run;
  if (jobNode === undefined || run === undefined) return false;
  if (run.phase === 'running' || run.stopping === true) loseRun(recorder, node, jobNode);
  else recorder.assign(node, { key: ref.taskKey as TaskKey, attempt: ref.attempt });
  return true;
}

/** False while a part of a multi-instance task waits for its job's preparation task. */
function isPrepared({ state }: Recorder, node: Node, subtask: Subtask): boolean {
  const job = state.jobs.get(jobOf(subtask.task));
  return job !== undefined && preparationOf(state, job, node) !== 'underway';
}
