import { uptime } from 'node:os';
import type { Assignment, MultiInstance } from '../../protocol/agent/assignment.js';
import type { SequencedEvent } from '../../protocol/agent/event.js';
import type { AttemptRef } from '../../protocol/agent/message.js';
import type { AgentCore } from '../core/agent-core.js';
import { attemptId, type Moment, type RunOutcome } from '../core/output.js';
import { Journal, type RecordedRun } from '../node/journal.js';
import { killLeftovers } from '../node/leftovers.js';
import { beganBetween, environmentOfProcess, livingProcess } from '../node/process.js';
import type { Survivor } from '../node/survivor.js';
import type { ProcessEnd } from '../task/launcher.js';
import type { BegunRun } from '../task/run-record.js';
import type { Runner } from '../task/run.js';
import { log, textOf } from './log.js';

/** What begins and ends within so long is written down once, as ended. */
const WRITE_MS = 4;
/** The survivor says how a process ended within moments of its end. */
const WORD_MS = 2_000;

/** What the legacy needs of the agent whose it is. */
export interface LegacyPorts {
  core: AgentCore;
  runner: Runner;
  now(): Moment;
  attemptEnded(assignment: Assignment, outcome: RunOutcome): void;
  attemptCoordinated(attempt: AttemptRef, outcome: RunOutcome): void;
  startTaskEnded(outcome: RunOutcome): void;
}

/**
 * What this agent leaves to the next one of its node, should it crash: written down before anything that
 * follows from it is sent. Tries go on under the survivor meanwhile.
 */
export class Legacy {
  readonly #journal: Journal;
  #begun = new Map<string, BegunRun>();
  #timer: NodeJS.Timeout | undefined;
  #startTaskState = '';
  #failed = false;
  #guardedUntil: number | undefined = Number.NaN;

  constructor(
    private readonly rootDirectory: string,
    { nodeKey, incarnation }: { nodeKey: string; incarnation: number },
    private readonly survivor: Survivor | undefined,
  ) {
    this.#journal = Journal.open(rootDirectory, nodeKey, incarnation);
  }

  /** Directories that are kept, and until when (epoch milliseconds). */
  get retained(): ReadonlyMap<string, number> {
    return this.#journal.state.retained;
  }

  /** Takes up what an earlier agent left where something of it lives; else kills it. */
  takeUp(ports: LegacyPorts): void {
    const { startTask, runs, sequence, events } = this.#journal.state;
    const news = this.survivor?.news;
    const goesOn = this.#journal.continues && news?.lapsed === false && startTask !== undefined;
    if (!goesOn) {
      this.#journal.reset();
      this.#killLeftovers([], []);
      return;
    }
    const ended = new Map(news.ended.map(({ pid, ...end }) => [pid, end]));
    const recorded = [...runs.values()];
    const living = recorded.filter(({ pid, between = [] }) => {
      const process = pid === undefined ? undefined : livingProcess(pid);
      return pid === undefined || (process !== undefined && beganBetween(process, between));
    });
    this.#killLeftovers(living, recorded);
    const isBroken = startTask.state === 'running' && !runs.has('startTask');
    const now = ports.now();
    ports.core.restore(
      {
        sequence,
        events,
        startTask: isBroken ? { ...startTask, state: 'pending' } : startTask,
        running: recorded.flatMap((run) =>
          run.of === 'startTask'
            ? []
            : [{ assignment: stub(run.of, run.part), startedEpoch: run.startedEpoch }],
        ),
        ...(news.leaseUntil === undefined
          ? {}
          : { lease: { until: news.leaseUntil, leaseMs: this.#journal.state.leaseMs } }),
      },
      now,
    );
    for (const run of recorded) {
      const end = run.pid === undefined ? undefined : ended.get(run.pid);
      this.#adopt(run, end, ports);
      if (!living.includes(run) && end === undefined) this.#awaitWord(run, ports);
    }
    log(`goes on where the agent before it ended: ${living.length} of its processes live`);
    this.survivor?.listen(({ pid, ...end }) => ports.runner.orphanEnded(pid, end));
  }

  #adopt(
    run: RecordedRun,
    end: ProcessEnd | undefined,
    { runner, attemptEnded, attemptCoordinated, startTaskEnded }: LegacyPorts,
  ): void {
    const { of, pid } = run;
    const coordinated = (outcome: RunOutcome) =>
      of === 'startTask' ? undefined : attemptCoordinated(of, outcome);
    const over = (outcome: RunOutcome) =>
      of === 'startTask' ? startTaskEnded(outcome) : attemptEnded(stub(of), outcome);
    const directory = of === 'startTask' ? 'startup' : of.directory;
    const environment = pid === undefined ? {} : environmentOfProcess(pid);
    runner.adopt(run, directory, environment, { ended: over, coordinated });
    if (pid !== undefined && end !== undefined) setImmediate(() => runner.orphanEnded(pid, end));
  }

  /**
   * It has ended, and the survivor is about to say how; or the agent before this one had been told and
   * died before it wrote it down. Then nobody knows, and the try is given back.
   */
  #awaitWord({ of }: RecordedRun, { core, runner }: LegacyPorts): void {
    setTimeout(() => {
      if (of !== 'startTask' && runner.awaitsEnd(of)) core.lost(of);
      runner.giveUp(of);
    }, WORD_MS);
  }

  /** What runs of this node that nobody knows, but for what its start task has left running. */
  #killLeftovers(living: readonly RecordedRun[], recorded: readonly RecordedRun[]): void {
    // What a coordination command has left running is in that command's session, and goes on without it.
    const coordination = recorded.flatMap(({ pid, part }) =>
      part?.state === 'coordinating' ? [pid] : [part?.leader],
    );
    const leaders = new Set([...living.map(({ pid }) => pid), ...coordination]);
    const ofStartTask = `AZ_BATCH_TASK_DIR=${this.rootDirectory}/startup`;
    // What runs in a container is no child of the process that is attached to it.
    const inContainers = new Set(
      living
        .filter(({ container }) => container !== undefined)
        .map(({ of }) => (of === 'startTask' ? 'startup' : of.directory))
        .map((directory) => `AZ_BATCH_TASK_DIR=${this.rootDirectory}/${directory}`),
    );
    const isResumed = this.#journal.state.startTask !== undefined;
    const killed = killLeftovers(
      this.rootDirectory,
      (pid, environment) =>
        leaders.has(livingProcess(pid)?.session ?? -1) ||
        environment.some((entry) => inContainers.has(entry)) ||
        (isResumed && environment.includes(ofStartTask)),
    );
    if (killed > 0) log(`killed ${killed} processes of an earlier agent of this node`);
  }

  began(run: BegunRun, core: AgentCore): void {
    this.#begun.set(run.of === 'startTask' ? run.of : attemptId(run.of), run);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.write(core);
    }, WRITE_MS);
  }

  recordEvents(events: SequencedEvent[]): void {
    for (const { event } of events)
      if (event.type === 'attemptEnded') this.#begun.delete(attemptId(event));
      else if (event.type === 'startTaskEnded') this.#begun.delete('startTask');
    this.#journal.events(events);
  }

  acknowledged(sequence: number): void {
    this.#journal.acknowledged(sequence);
  }

  retain(directory: string, until: number): void {
    this.#journal.retain(directory, until);
  }

  forget(directory: string): void {
    this.#journal.forget(directory);
  }

  /** Writes what has come together. */
  write(core: AgentCore): void {
    // From our clock to the system's uptime, by which processes are known again.
    const offset = this.#begun.size === 0 ? 0 : uptime() * 1000 - performance.now();
    for (const run of this.#begun.values()) this.#record(run, offset, core);
    this.#begun.clear();
    const { state, retryCount } = core.startTask;
    const named = `${state} ${String(retryCount)}`;
    if (core.isPrepared && named !== this.#startTaskState) {
      this.#startTaskState = named;
      this.#journal.prepared({ state, retryCount });
    }
    const { guarded } = core;
    if (guarded !== undefined) this.#journal.lease(guarded.leaseMs);
    this.#journal.write();
    this.#tellFailure();
  }

  /** Tells the survivor until when it may leave things alone; costs nothing while that stays the same. */
  guard(core: AgentCore): void {
    const until = core.guarded?.until;
    if (until === this.#guardedUntil) return;
    this.#guardedUntil = until;
    this.survivor?.guard(until);
  }

  #record({ of, between, ...begun }: BegunRun, offset: number, core: AgentCore): void {
    const running = of === 'startTask' ? undefined : core.running(of);
    if (of !== 'startTask' && running === undefined) return;
    const startedEpoch = running?.startedEpoch ?? begun.startTime;
    const recorded = running === undefined ? ('startTask' as const) : essence(running.assignment);
    const [from = 0, to = 0] = between?.map((at) => Math.round(at + offset)) ?? [];
    this.#journal.began({
      ...begun,
      of: recorded,
      ...(between === undefined ? {} : { between: [from, to] }),
      startedEpoch,
    });
  }

  #tellFailure(): void {
    const { failure } = this.#journal;
    if (failure !== undefined && !this.#failed)
      log(`what runs can't be written down, and would not outlive this agent: ${textOf(failure)}`);
    this.#failed = failure !== undefined;
  }
}

/** What of an assignment holds no secret, and is enough to tell its end. */
function essence(assignment: Assignment): Exclude<RecordedRun['of'], 'startTask'> {
  const { taskKey, attempt, jobId, taskId, directory, requiredSlots } = assignment;
  const { maxWallClockTimeMs, retentionTimeMs } = assignment;
  return {
    taskKey,
    attempt,
    jobId,
    taskId,
    directory,
    requiredSlots,
    ...(maxWallClockTimeMs === undefined ? {} : { maxWallClockTimeMs }),
    ...(retentionTimeMs === undefined ? {} : { retentionTimeMs }),
  };
}

const stub = (
  of: Exclude<RecordedRun['of'], 'startTask'>,
  part?: RecordedRun['part'],
): Assignment => ({
  ...of,
  ...(part === undefined ? {} : { multiInstance: stubPart(part) }),
  commandLine: '',
  environmentSettings: [],
  resourceFiles: [],
  outputFiles: [],
});

const stubPart = (part: NonNullable<RecordedRun['part']>): MultiInstance => ({
  subtaskId: part.subtaskId,
  sharedDirectory: part.sharedDirectory,
  coordinationCommandLine: '',
  commonResourceFiles: [],
  hosts: [],
  coresPerHost: 1,
});
