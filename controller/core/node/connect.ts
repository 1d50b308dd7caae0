import type { Event } from '../event.js';
import type { Recorder } from '../recorder.js';
import { currentAttempt, loseAttempt } from '../task/attempt.js';
import { currentSubtask, loseSubtask, proceed } from '../task/group.js';
import { exorciseWhere } from '../task/hold.js';
import type { Node } from './state.js';
import { loseAttempts } from './lose.js';
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
  } else if (node.state === 'unknown') comeBack(recorder, node);
  compare(recorder, node, event);
}

function configure(recorder: Recorder, node: Node): void {
  const startTask = recorder.state.pools.get(node.pool)?.specification.startTask;
  if (startTask?.waitForSuccess === true) node.awaitsStartTask = true;
  else delete node.awaitsStartTask;
  recorder.ask({ type: 'configureNode', nodeKey: node.key, incarnation: node.incarnation });
  // Prepared anew, its start task included: until then it can't run tasks, whatever it was before.
  const restarts = node.draining !== undefined && node.draining.then !== 'offline';
  if (node.leaving !== undefined || restarts || node.state === 'starting') return;
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
      if (currentSubtask(recorder.state, node, ref) === undefined) recorder.stop(node, ref);
    } else if (task.proceeded === true) proceed(recorder, task);
  }
  exorciseWhere(recorder, node, (_ghost, name) => !held.has(name));
  const load = recorder.state.loadOf(node);
  const attempts = [...load.attempts.keys(), ...load.subtasks]
    .filter((task) => !held.has(`${task.key}#${task.attempt}`))
    .map((task) => ({ taskKey: task.key, attempt: task.attempt }));
  if (attempts.length === 0) delete node.session.unconfirmed;
  else
    node.session.unconfirmed = {
      attempts,
      until: recorder.now + SPOOL_MS,
      sequence: event.lastSequence ?? Infinity,
    };
}

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
    const subtask = currentSubtask(recorder.state, node, ref)?.subtask;
    if (subtask?.phase === 'running') loseSubtask(recorder, subtask);
    else if (subtask !== undefined) recorder.assign(node, subtask);
    const task = currentAttempt(recorder, node, ref);
    if (task === undefined) continue;
    if (task.phase === 'running' || task.stopping !== undefined) loseAttempt(recorder, task);
    else recorder.assign(node, task);
  }
}
