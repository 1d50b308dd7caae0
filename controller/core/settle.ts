import { SAMPLES_DEADLINE, takeSamples } from './autoscale/sampler.js';
import { certificateDeadline, settleCertificate } from './certificate/settle.js';
import { jobDeadline, settleJob } from './job/settle.js';
import { jobScheduleDeadline, settleJobSchedule } from './job-schedule/settle.js';
import { checkUnknown, nodeDeadline, settleNode } from './node/settle.js';
import { evaluateOnQueueChange } from './pool/autoscale.js';
import { poolDeadline, settlePool } from './pool/settle.js';
import { FACTORIES_DEADLINE, unfold } from './task-factory/unfold.js';
import { must, type Recorder } from './recorder.js';
import { schedulePool } from './scheduler/place.js';

/** Far more than any chain of consequences takes. */
const ROUNDS_MAXIMUM = 1000;

interface Kind<Key extends string, Entity> {
  marked: Set<Key>;
  table: Map<Key, Entity>;
  settle: (recorder: Recorder, entity: Entity) => void;
  deadline: (recorder: Recorder, entity: Entity) => number;
  prefix: string;
}

/** Settles every marked entity of a kind and arms its next deadline. */
function settleKind<Key extends string, Entity>(recorder: Recorder, kind: Kind<Key, Entity>): void {
  for (const key of [...kind.marked]) {
    kind.marked.delete(key);
    const entity = kind.table.get(key);
    if (entity === undefined) continue;
    kind.settle(recorder, entity);
    if (!kind.table.has(key)) continue;
    const at = kind.deadline(recorder, entity);
    if (at < Infinity)
      recorder.state.deadlines.arm(`${kind.prefix}${key}`, Math.max(at, recorder.now + 1));
  }
}

/**
 * The end of a tick: what was touched is taken on until nothing follows from anything any more, then
 * each marked pool gets one scheduling pass.
 */
export function settle(recorder: Recorder): void {
  const { state } = recorder;
  const { toSettle: marked } = state;
  for (let round = 0; ; round += 1) {
    must(round < ROUNDS_MAXIMUM, () => 'a tick does not come to rest');
    settleKind(recorder, {
      marked: marked.jobs,
      table: state.jobs,
      settle: settleJob,
      deadline: jobDeadline,
      prefix: 'job:',
    });
    settleKind(recorder, {
      marked: marked.jobSchedules,
      table: state.jobSchedules,
      settle: settleJobSchedule,
      deadline: jobScheduleDeadline,
      prefix: 'jobSchedule:',
    });
    settleKind(recorder, {
      marked: marked.nodes,
      table: state.nodes,
      settle: settleNode,
      deadline: nodeDeadline,
      prefix: 'node:',
    });
    settleKind(recorder, {
      marked: marked.pools,
      table: state.pools,
      settle: settlePool,
      deadline: poolDeadline,
      prefix: 'pool:',
    });
    settleKind(recorder, {
      marked: marked.certificates,
      table: state.certificates,
      settle: settleCertificate,
      deadline: certificateDeadline,
      prefix: 'certificate:',
    });
    if (
      marked.jobs.size +
        marked.jobSchedules.size +
        marked.nodes.size +
        marked.pools.size +
        marked.certificates.size >
      0
    )
      continue;
    if (state.toSchedule.size === 0) {
      evaluateOnQueueChange(recorder);
      if (marked.pools.size === 0) return;
      continue;
    }
    for (const pool of state.toSchedule) {
      schedulePool(recorder, pool);
      state.toSchedule.delete(pool);
    }
  }
}

/** Marks every entity whose deadline has come. */
export function markDue(recorder: Recorder): void {
  const { state, now } = recorder;
  for (const name of state.deadlines.take(now)) {
    if (name === SAMPLES_DEADLINE) {
      takeSamples(recorder);
      continue;
    }
    if (name === FACTORIES_DEADLINE) {
      unfold(recorder);
      continue;
    }
    const at = name.indexOf(':');
    mark(recorder, name.slice(0, at), name.slice(at + 1));
  }
}

function mark(recorder: Recorder, kind: string, key: string): void {
  const { state } = recorder;
  const marked = state.toSettle;
  if (kind === 'job') marked.jobs.add(key as never);
  else if (kind === 'jobSchedule') marked.jobSchedules.add(key as never);
  else if (kind === 'pool') marked.pools.add(key as never);
  else if (kind === 'certificate') marked.certificates.add(key as never);
  else if (kind === 'node') {
    marked.nodes.add(key as never);
    const node = state.nodes.get(key as never);
    if (node !== undefined) checkUnknown(recorder, node);
  }
}
