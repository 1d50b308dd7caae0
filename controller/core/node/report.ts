import type { AgentEvent, SequencedEvent } from '../../../protocol/agent/event.js';
import { specialEnded, specialStarted } from '../job-node/report.js';
import type { Recorder } from '../recorder.js';
import {
  attemptCoordinated,
  attemptEnded,
  attemptReturned,
  attemptStarted,
} from '../task/attempt.js';
import { usageOf } from '../task/usage.js';
import { unusable } from './settle.js';
import { rememberStartTask } from './start-task-history.js';
import type { Node } from './state.js';
import { moveNode } from './transition.js';

/** Takes the agent's numbered facts, each once; acknowledged after the commit. */
export function agentReported(
  recorder: Recorder,
  node: Node,
  events: readonly SequencedEvent[],
): void {
  for (const { sequence, event } of events) {
    if (sequence <= node.lastEventSequence) continue;
    node.lastEventSequence = sequence;
    take(recorder, node, event);
  }
  recorder.changed('node', node);
  if (node.session.unconfirmed !== undefined) recorder.state.toSettle.nodes.add(node.key);
  recorder.ask({
    type: 'acknowledgeEvents',
    nodeKey: node.key,
    incarnation: node.incarnation,
    sequence: node.lastEventSequence,
  });
}

function take(recorder: Recorder, node: Node, event: AgentEvent): void {
  switch (event.type) {
    case 'attemptStarted':
      if (!specialStarted(recorder, node, event, event.startTime))
        attemptStarted(recorder, node, event, event.startTime);
      return;
    case 'attemptEnded':
      if (!specialEnded(recorder, node, event, event.outcome))
        attemptEnded(recorder, node, event, event.outcome);
      return;
    case 'attemptReturned':
      if (!specialEnded(recorder, node, event, undefined)) attemptReturned(recorder, node, event);
      return;
    case 'attemptCoordinated':
      return attemptCoordinated(recorder, node, event, event.outcome);
    case 'nodePrepared':
      return nodePrepared(recorder, node);
    case 'nodeUnusable':
      return unusable(recorder, node, event.code, event.message, event.details);
    case 'startTaskStarted':
      return startTaskStarted(recorder, node, event);
    case 'startTaskEnded':
      return startTaskEnded(recorder, node, event);
  }
}

function nodePrepared(recorder: Recorder, node: Node): void {
  if (node.state !== 'starting') return;
  moveNode(recorder, node, node.awaitsStartTask === true ? 'waitingforstarttask' : 'idle');
}

function startTaskStarted(
  recorder: Recorder,
  node: Node,
  event: Extract<AgentEvent, { type: 'startTaskStarted' }>,
): void {
  const before = node.startTaskInfo;
  rememberStartTask(recorder, node);
  node.startTaskRuns = (node.startTaskRuns ?? 0) + 1;
  node.startTaskInfo = {
    state: 'running',
    startTime: event.startTime,
    retryCount: event.retryCount,
    incarnation: node.incarnation,
  };
  if (event.retryCount === 0) return;
  const lastRetryTime =
    event.retryCount === before?.retryCount ? before.lastRetryTime : event.startTime;
  if (lastRetryTime !== undefined) node.startTaskInfo.lastRetryTime = lastRetryTime;
}

function startTaskEnded(
  recorder: Recorder,
  node: Node,
  event: Extract<AgentEvent, { type: 'startTaskEnded' }>,
): void {
  const { outcome, retryCount, final } = event;
  const used = usageOf(outcome);
  const success = outcome.failure === undefined && outcome.exitCode === 0;
  const failureInfo =
    outcome.failure ??
    (success
      ? undefined
      : {
          category: 'usererror' as const,
          code: 'FailureExitCode',
          message: 'The start task exited with an exit code representing a failure',
          details: [
            {
              name: 'Message',
              value: `The process exited with exit code ${outcome.exitCode ?? 'unknown'}`,
            },
          ],
        });
  node.startTaskInfo = {
    ...node.startTaskInfo,
    state: final ? 'completed' : 'running',
    startTime: outcome.startTime ?? node.startTaskInfo?.startTime ?? outcome.endTime,
    endTime: outcome.endTime,
    retryCount,
    result: success ? 'success' : 'failure',
    ...(outcome.exitCode === undefined ? {} : { exitCode: outcome.exitCode }),
    ...(failureInfo === undefined ? {} : { failureInfo }),
    ...(outcome.containerInfo === undefined ? {} : { containerInfo: outcome.containerInfo }),
    ...(used === undefined ? {} : { used }),
  };
  if (!final || node.awaitsStartTask !== true) return;
  if (node.state !== 'waitingforstarttask' && node.state !== 'starting' && node.state !== 'unknown')
    return;
  moveNode(recorder, node, success ? 'idle' : 'starttaskfailed');
}
