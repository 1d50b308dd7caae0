import type { Outcome } from '../../../protocol/agent/event.js';
import type { Subtask } from './state.js';

export function moveSubtask(subtask: Subtask, to: 'running' | 'completed', now: number): void {
  if (subtask.state === to || subtask.state === 'completed') return;
  subtask.previousState = subtask.state;
  subtask.previousStateTransitionTime = subtask.stateTransitionTime;
  subtask.state = to;
  subtask.stateTransitionTime = now;
}

/** Its command has ended, with this outcome or because the attempt has. */
export function endSubtask(
  subtask: Subtask,
  outcome:
    Pick<Outcome, 'startTime' | 'endTime' | 'exitCode' | 'failure' | 'containerInfo'> | undefined,
  now: number,
): void {
  if (subtask.state === 'completed') return;
  moveSubtask(subtask, 'completed', now);
  const startTime = outcome?.startTime ?? subtask.startTime;
  if (startTime !== undefined) subtask.startTime = startTime;
  subtask.endTime = Math.max(outcome?.endTime ?? now, startTime ?? 0);
  if (outcome?.containerInfo !== undefined) subtask.containerInfo = outcome.containerInfo;
  if (outcome?.exitCode !== undefined) subtask.exitCode = outcome.exitCode;
  if (outcome !== undefined && outcome.failure === undefined) {
    subtask.result = 'success';
    return;
  }
  subtask.result = 'failure';
  subtask.failureInfo = outcome?.failure ?? {
    category: 'usererror',
    code: 'TaskEnded',
    message: 'The subtask was ended with its task',
    details: [],
  };
}
