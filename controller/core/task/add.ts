import type { TaskAdd, TaskUpdate } from '../../../protocol/batch/task.js';
import { taskKey } from '../../../protocol/keys.js';
import { durationMs } from '../../../protocol/time.js';
import type { Job } from '../job/state.js';
import type { Recorder } from '../recorder.js';
import { queue } from './ready.js';
import type { Task } from './state.js';
import { countTask } from './transition.js';

/** The durations of constraints as the task keeps them: absent means without end. */
export function constraintsOf(
  constraints: TaskUpdate['constraints'],
  job: Job,
): Pick<Task, 'maxTaskRetryCount' | 'maxWallClockTimeMs' | 'retentionTimeMs'> {
  const wallClock = durationMs(constraints.maxWallClockTime);
  const retention = durationMs(constraints.retentionTime);
  return {
    maxTaskRetryCount:
      constraints.maxTaskRetryCount ?? job.specification.constraints.maxTaskRetryCount,
    ...(wallClock === Infinity ? {} : { maxWallClockTimeMs: wallClock }),
    ...(retention === Infinity ? {} : { retentionTimeMs: retention }),
  };
}

/** Affinity ids are those of nodes: `TVM:{nodeId}`. */
function affinityOf({ affinityInfo }: TaskAdd): Pick<Task, 'affinityNode'> {
  const node = /^TVM:(.+)$/i.exec(affinityInfo?.affinityId ?? '')?.[1];
  return node === undefined ? {} : { affinityNode: node };
}

/** Adds a checked task to its job and queues it unless it must wait. */
export function addTask(
  recorder: Recorder,
  job: Job,
  body: TaskAdd,
  manager: { isJobManager: boolean; runExclusive: boolean; dedicatedOnly?: boolean } = {
    isJobManager: false,
    runExclusive: false,
  },
  /** Of a task that its factory has counted and numbered already. */
  sequence?: number,
): Task {
  const { state, now } = recorder;
  const task: Task = {
    key: taskKey(job.key, body.id),
    job: job.key,
    id: body.id,
    sequence: sequence ?? job.nextTaskSequence,
    isJobManager: manager.isJobManager,
    requiredSlots: body.requiredSlots,
    runExclusive: manager.runExclusive,
    state: 'active',
    stateTransitionTime: now,
    creationTime: now,
    lastModified: now,
    version: 1,
    ...constraintsOf(body.constraints, job),
    attempt: job.attemptBase ?? 0,
    ...(body.multiInstanceSettings === undefined
      ? {}
      : { instances: body.multiInstanceSettings.numberOfInstances }),
    ...(manager.dedicatedOnly === true ? { dedicatedOnly: true } : {}),
    ...affinityOf(body),
    ...(body.exitConditions === undefined ? {} : { exitConditions: body.exitConditions }),
    ...(body.dependsOn === undefined ? {} : { dependsOn: body.dependsOn }),
    execution: { retryCount: 0, requeueCount: 0 },
  };
  state.tasks.set(task.key, task);
  state.workOfJob(job.key).add(task);
  recorder.changed('task', task);
  recorder.changes.taskBodies.set(task.key, body);
  if (sequence === undefined) {
    job.nextTaskSequence += 1;
    countTask(recorder, job, task, 1);
  }
  queue(state, task);
  return task;
}
