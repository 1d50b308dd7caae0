import type { Change, Commit } from './committed.js';
import type { Committed } from './committed.js';

/** What worlds must show, each with what it is; `npm run simulate -- --coverage` counts them. */
export const HAPPENINGS = {
  controllerDied: 'the controller died',
  diedAtCommit: 'the controller died in the very instant of a commit',
  diedInCommitKept:
    'the controller died while a commit was under way, which became durable all the same',
  diedInCommitLost: 'the controller died while a commit was under way, of which nothing is left',
  commitRefused: 'the store took nothing of a commit',
  longOutage: 'the controller was away for minutes',
  clockForward: 'the clock was set forward',
  clockBack: 'the clock was set back',
  linkLost: 'a connection died by itself',
  messagesLost: 'messages under way were lost with their connection',
  messagesLate: 'messages of a dead connection arrived after those of the next',
  messageSlow: 'a message took up to seconds',
  requestLost: 'a request was lost',
  answerLost: 'an answer was lost: its client does not know what became of its command',
  eventsRepeated: 'an agent reported again what had been heard already',
  oldTryReported: 'an agent reported of a try that had been given up',
  nodeDied: 'a node died',
  agentRestarted: 'an agent lost its memory and its processes',
  agentSlow: 'an agent woke late',
  partition: 'a node reached nobody for a while',
  leaseOver: 'a lease ended without a word',
  hypervisorLost: 'a hypervisor answered nothing for a while',
  hypervisorDrained: 'a hypervisor was put into maintenance',
  createFailed: 'a node could not be made',
  createHung: 'the making of a node took minutes',
  createAnswerLost: 'a node was made and its provider said that it was not',
  destroyFailed: 'a node could not be taken away',
  bootHung: 'a node never called',
  startTaskFailed: 'a start task failed',
  nodeNotPrepared: 'a node could not be prepared',
  taskRequeued: 'a task was requeued',
  taskRetried: 'a task was tried again after it failed',
  taskPreempted: 'a task was requeued for a job of higher priority',
  groupPreempted: 'a multi-instance task was requeued for a job of higher priority',
  taskQuarantined: 'a task died with too many nodes',
  taskReactivated: 'a completed task was reactivated',
  wideTaskPlaced: 'a task of several slots was placed',
  groupPlaced: 'a multi-instance task was placed',
  dependantPlaced: 'a task was placed when what it depends on was done',
  jobManagerRestarted: 'a job manager was tried again',
  nodePreempted: 'a low-priority node gave up its room',
  nodeRebooted: 'a node was rebooted',
  nodeReimaged: 'a node was reimaged',
  nodeDisabled: 'scheduling was disabled on a node',
  leftRequeue: 'a node left and requeued its tasks',
  leftTerminate: 'a node left and ended its tasks',
  leftTaskcompletion: 'a node left after its tasks',
  leftRetaineddata: 'a node left after the retention of its tasks',
  upgradeBegun: 'the image of a pool was upgraded in waves',
  upgradeEnded: 'all waves of an upgrade were through',
  formulaEvaluated: 'a formula set the size of a pool',
  formulaFailed: 'a formula failed',
  resizeFailed: 'a resize ended with errors',
  resizeStopped: 'a resize was stopped',
  autoPoolMade: 'an auto pool was made',
  autoPoolGone: 'an auto pool went',
  jobDisabled: 'a job was disabled',
  jobTerminated: 'a job was terminated',
  jobMoved: 'a job moved to another pool',
  jobPriorityChanged: 'the priority of a job was changed',
  jobOfSchedule: 'a schedule made a job',
  jobPrepared: 'a job preparation task succeeded',
  jobPreparationFailed: 'a job preparation task failed',
  jobReleased: 'a job release task ran',
  factoryUnfolded: 'a task factory was unfolded',
} as const;
export type Happening = keyof typeof HAPPENINGS;

/** Counts what happened in one world. */
export class Coverage {
  readonly counts: Partial<Record<Happening, number>> = {};

  readonly happened = (what: Happening): void => {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  };

  committed({ changes }: Commit, committed: Committed): void {
    for (const change of changes) for (const what of seenIn(change, committed)) this.happened(what);
  }
}

/** Adds up the counts of several worlds. */
export function addUp(all: Iterable<Coverage['counts']>): Record<Happening, number> {
  const sums = Object.fromEntries(Object.keys(HAPPENINGS).map((name) => [name, 0]));
  for (const counts of all)
    for (const [name, count] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + count;
  return sums as Record<Happening, number>;
}

function* seenIn(change: Change, committed: Committed): Iterable<Happening> {
  switch (change.kind) {
    case 'task':
      return yield* ofTask(change, committed);
    case 'node':
      return yield* ofNode(change);
    case 'pool':
      return yield* ofPool(change);
    case 'job':
      return yield* ofJob(change);
    case 'jobNode': {
      const { before, after } = change;
      if (before?.preparation.result !== after?.preparation.result)
        if (after?.preparation.result === 'success') yield 'jobPrepared';
        else if (after?.preparation.result === 'failure') yield 'jobPreparationFailed';
      if (before?.release?.phase === undefined && after?.release?.phase !== undefined)
        yield 'jobReleased';
      return;
    }
    case 'hypervisor':
      if (change.after?.maintenance === true) yield 'hypervisorDrained';
      return;
    case 'taskFactory':
      if (change.before === undefined) yield 'factoryUnfolded';
      return;
    default:
  }
}

type Of<K extends Change['kind']> = Extract<Change, { kind: K }>;

function* ofTask({ key, before, after }: Of<'task'>, committed: Committed): Iterable<Happening> {
  if (after === undefined) return;
  if (before?.state === 'completed' && after.state !== 'completed') yield 'taskReactivated';
  if (after.execution.failureInfo?.code === 'TaskQuarantined' && before?.state !== 'completed')
    yield 'taskQuarantined';
  const grew = (count: 'requeueCount' | 'retryCount') =>
    before !== undefined && after.execution[count] > before.execution[count];
  if (grew('requeueCount')) yield 'taskRequeued';
  if (grew('retryCount')) yield 'taskRetried';
  if (before?.stopping === undefined && isPreempted(after, committed))
    yield after.instances === undefined ? 'taskPreempted' : 'groupPreempted';
  if (after.phase === undefined || before?.attempt === after.attempt) return;
  if (after.requiredSlots > 1) yield 'wideTaskPlaced';
  if (after.instances !== undefined) yield 'groupPlaced';
  if (committed.bodies.get(key)?.dependsOn !== undefined) yield 'dependantPlaced';
  if (after.isJobManager && after.attempt > 1) yield 'jobManagerRestarted';
}

/** Told to end for the sake of another: neither its job nor its node is why. */
function isPreempted(
  { stopping, job, node }: NonNullable<Of<'task'>['after']>,
  { tables }: Committed,
): boolean {
  const row = node === undefined ? undefined : tables.node.get(node);
  const ofJob = tables.job.get(job);
  return (
    stopping?.then === 'requeue' &&
    stopping.because === undefined &&
    ofJob?.state === 'active' &&
    ofJob.specification.allowTaskPreemption &&
    (row?.state === 'running' || row?.state === 'idle')
  );
}

function* ofNode({ before, after }: Of<'node'>): Iterable<Happening> {
  if (after === undefined) return;
  if (before?.state !== after.state) {
    if (after.state === 'preempted') yield 'nodePreempted';
    if (after.state === 'rebooting') yield 'nodeRebooted';
    if (after.state === 'reimaging') yield 'nodeReimaged';
    if (after.state === 'offline') yield 'nodeDisabled';
    if (after.state === 'unknown') yield 'leaseOver';
  }
  if (before?.leaving !== undefined || after.leaving === undefined) return;
  yield (
    {
      requeue: 'leftRequeue',
      terminate: 'leftTerminate',
      taskcompletion: 'leftTaskcompletion',
      retaineddata: 'leftRetaineddata',
    } as const
  )[after.leaving.option];
}

function* ofPool({ key, before, after }: Of<'pool'>): Iterable<Happening> {
  const isAuto = !/\/pool\d+$/.test(key);
  if (before === undefined && isAuto) yield 'autoPoolMade';
  if (after === undefined) {
    if (isAuto) yield 'autoPoolGone';
    return;
  }
  if (before?.imageUpgrade === undefined && after.imageUpgrade !== undefined) yield 'upgradeBegun';
  if (before?.imageUpgrade !== undefined && after.imageUpgrade === undefined) yield 'upgradeEnded';
  const run = after.autoScale?.run;
  if (run !== undefined && run.timestamp !== before?.autoScale?.run?.timestamp)
    yield run.error === undefined ? 'formulaEvaluated' : 'formulaFailed';
  if ((before?.resizeErrors.length ?? 0) === 0 && after.resizeErrors.length > 0)
    yield after.resizeErrors[0]?.code === 'ResizeStopped' ? 'resizeStopped' : 'resizeFailed';
}

function* ofJob({ before, after }: Of<'job'>): Iterable<Happening> {
  if (after === undefined) return;
  if (before === undefined) {
    if (after.id.includes(':')) yield 'jobOfSchedule';
    return;
  }
  if (before.state !== after.state && after.state === 'disabled') yield 'jobDisabled';
  if (before.state !== after.state && after.state === 'terminating') yield 'jobTerminated';
  if (before.pool !== after.pool) yield 'jobMoved';
  if (before.specification.priority !== after.specification.priority) yield 'jobPriorityChanged';
}
