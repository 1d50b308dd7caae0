import type { Assignment } from '../../../protocol/agent/assignment.js';
import type { AttemptRef } from '../../../protocol/agent/message.js';
import { jobOf, type NodeKey, type TaskKey } from '../../../protocol/keys.js';
import { durationMs } from '../../../protocol/time.js';
import type { StateView } from '../../engine/ports.js';
import { assignedContainer } from './assigned-containers.js';
import { jobPreparationDirectory, resourceFile } from './assignment.js';
import type { OwnStorage } from './own-storage.js';

/**
 * The job preparation or release task that an attempt is of: undefined where it is a plain task's, none
 * where it is over or was taken back.
 */
export function specialAssignments(
  view: StateView,
  nodeKey: NodeKey,
  ref: AttemptRef,
  storage: OwnStorage,
): Assignment[] | undefined {
  const job = view.jobs.get(jobOf(ref.taskKey as TaskKey));
  if (job === undefined || !isSpecial(view, ref.taskKey)) return undefined;
  const { jobPreparationTask: preparation, jobReleaseTask: release } = job.specification;
  const isPreparation = ref.taskKey === `${job.key}/${preparation?.id.toLowerCase() ?? ''}`;
  const jobNode = view.jobNode(job.key, nodeKey);
  const run = isPreparation ? jobNode?.preparation : jobNode?.release;
  if (run?.phase === undefined || run.attempt !== ref.attempt) return [];
  const task = isPreparation ? preparation : release;
  const limits = isPreparation ? preparation?.constraints : release;
  if (task === undefined || limits === undefined) return [];
  return [
    {
      ...ref,
      jobId: job.id,
      taskId: task.id,
      directory: `workitems/${job.folder}/${task.id}`,
      requiredSlots: 0,
      commandLine: task.commandLine,
      environmentSettings: [
        ...(job.specification.commonEnvironmentSettings ?? []),
        ...(task.environmentSettings ?? []),
      ],
      resourceFiles: (task.resourceFiles ?? []).map((file) => resourceFile(file, storage)),
      outputFiles: [],
      userIdentity: task.userIdentity,
      ...assignedContainer(task.containerSettings),
      ...finite('maxWallClockTimeMs', limits.maxWallClockTime),
      ...finite('retentionTimeMs', limits.retentionTime),
      ...(isPreparation ? {} : jobPreparationDirectory(job)),
    },
  ];
}

/** Special tasks have no body of their own: they are part of their job. */
export function isSpecial(view: StateView, key: string): boolean {
  const job = view.jobs.get(jobOf(key as TaskKey));
  if (job === undefined) return false;
  const { jobPreparationTask, jobReleaseTask } = job.specification;
  return [jobPreparationTask, jobReleaseTask].some(
    (task) => task !== undefined && key === `${job.key}/${task.id.toLowerCase()}`,
  );
}

/** No limit is no property. */
function finite<Name extends string>(name: Name, duration: string | undefined) {
  const ms = duration === undefined ? Infinity : durationMs(duration);
  return ms === Infinity ? {} : ({ [name]: ms } as Partial<Record<Name, number>>);
}
