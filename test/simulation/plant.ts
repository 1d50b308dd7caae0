import type { Batch } from '../../controller/engine/ports.js';
import { hypervisorKey } from '../../protocol/keys.js';
import type { Committed } from './committed.js';

/**
 * Bugs planted on purpose, one for each checker, to see that it finds them. Those of the disk are here:
 * what is durable then differs from what the controller believes.
 */
export const CANARIES = [
  'lostCommit', // a whole commit is not there
  'leaseUnchecked', // agents do not kill what they are told to
  'slotsUnchecked', // agents begin more than they have slots for
  'endsUnreported', // agents keep the ends of tries to themselves
  'countsOff', // a job counts one task too many
  'completionTwice', // an end is recorded again, with another time
  'versionsLost', // the version of a job falls
  'dependencyUnseen', // tasks depend on something that the controller does not know of
  'preparationUnseen', // nobody wrote down that a preparation task succeeded
  'priorityReversed', // jobs have another priority than the controller believes
  'roomOvertold', // hypervisors boast
  'samplesLeft', // samples outlive their pool
  'memoryWrong', // a count in memory is wrong
  'wavesUntold', // an upgrade takes more nodes at a time than it may
  'drainingUntold', // a hypervisor is in maintenance and the controller does not know it
] as const;
export type Canary = (typeof CANARIES)[number];

/** From which commit on something is wrong: there must be something first. */
const BEGINS_AT = 40;

/** What becomes durable of a batch; `undefined`: nothing. The batch is a copy and may be changed. */
export function spoil(
  canary: Canary | undefined,
  batch: Batch,
  number: number,
  committed: Committed,
): Batch | undefined {
  if (canary === undefined) return batch;
  if (canary === 'lostCommit') return number === BEGINS_AT ? undefined : batch;
  if (number >= BEGINS_AT || canary === 'dependencyUnseen' || canary === 'wavesUntold')
    SPOILERS[canary]?.(batch, committed);
  return batch;
}

type Spoiler = (batch: Batch, committed: Committed) => void;

const SPOILERS: { [C in Canary]?: Spoiler } = {
  countsOff({ upserts }) {
    for (const job of upserts.job ?? []) job.taskCounts.completed += 1;
  },
  completionTwice({ upserts }, { tables }) {
    const done = [...tables.task.values()].find(({ state }) => state === 'completed');
    if (done === undefined) return;
    const execution = { ...done.execution, endTime: (done.execution.endTime ?? 0) + 1 };
    upserts.task = [...(upserts.task ?? []), { ...done, execution }];
  },
  versionsLost({ upserts }, { tables }) {
    for (const job of upserts.job ?? []) if (tables.job.has(job.key)) job.version -= 10;
  },
  dependencyUnseen({ taskBodies }) {
    for (const { body } of taskBodies) body.dependsOn ??= { taskIds: ['never-added'] };
  },
  preparationUnseen({ upserts }) {
    for (const { preparation } of upserts.jobNode ?? []) delete preparation.result;
  },
  priorityReversed({ upserts }) {
    for (const job of upserts.job ?? [])
      job.specification = { ...job.specification, priority: -job.specification.priority };
  },
  drainingUntold({ upserts }, { tables }) {
    const row = { key: hypervisorKey('h1'), maintenance: true, since: 0 };
    if (tables.hypervisor.size === 0) upserts.hypervisor = [row];
  },
  samplesLeft({ deletes }) {
    delete deletes.sampleWindow;
  },
  wavesUntold({ upserts }) {
    for (const { imageUpgrade } of upserts.pool ?? [])
      if (imageUpgrade !== undefined) Object.assign(imageUpgrade, { maxParallelNodes: 1 });
  },
};
