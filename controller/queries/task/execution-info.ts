import type { Task } from '../../core/task/state.js';
import { failureOf, present, timeOf } from '../wire.js';

/** The contract's section 7.4: results of a completed task alone, a start of one that runs or ran. */
export function executionInfo({ state, execution }: Pick<Task, 'state' | 'execution'>): object {
  const completed = state === 'completed';
  const begun = completed || state === 'running';
  return present({
    startTime: begun ? timeOf(execution.startTime) : undefined,
    endTime: completed ? timeOf(execution.endTime) : undefined,
    exitCode: completed ? execution.exitCode : undefined,
    containerInfo: completed ? execution.containerInfo : undefined,
    failureInfo: completed ? failureOf(execution.failureInfo) : undefined,
    retryCount: execution.retryCount,
    lastRetryTime: timeOf(execution.lastRetryTime),
    requeueCount: execution.requeueCount,
    lastRequeueTime: timeOf(execution.lastRequeueTime),
    result: completed ? execution.result : undefined,
  });
}
