import type { Outcome } from '../../../protocol/agent/event.js';
import type { Recorder } from '../recorder.js';
import { completeTask, type JobConsequence } from './complete.js';
import type { Task } from './state.js';

/** One more node died while it ran the task; true: as often as is allowed. */
export function diedUnder({ settings }: Recorder, task: Task): boolean {
  task.nodeDeaths = (task.nodeDeaths ?? 0) + 1;
  return task.nodeDeaths >= settings.nodeDeathsMaximum;
}

/**
 * Ends a task that may be what kills its nodes: it fails with TaskQuarantined whatever its retries are, and
 * runs again only when it is reactivated.
 */
export function quarantine(
  recorder: Recorder,
  task: Task,
  end: Partial<Outcome> = {},
): JobConsequence | undefined {
  const deaths = String(task.nodeDeaths ?? 0);
  return completeTask(recorder, task, {
    endTime: recorder.now,
    ...(end.startTime === undefined ? {} : { startTime: end.startTime }),
    failure: {
      category: 'servererror',
      code: 'TaskQuarantined',
      message: `The task was running at ${deaths} node deaths and is not tried again until it is reactivated`,
      details: [
        { name: 'NodeDeaths', value: deaths },
        { name: 'NodeDeathsAllowed', value: String(recorder.settings.nodeDeathsMaximum) },
      ],
    },
  });
}
