import type { Assignment, NodeConfiguration } from '../../protocol/agent/assignment.js';
import type { FailureInfo, Outcome, SequencedEvent } from '../../protocol/agent/event.js';
import type { AttemptRef, ToAgent, ToController } from '../../protocol/agent/message.js';
import { Attempts, killTime, reference, type KillReason, type RunningAttempt } from './attempts.js';
import { withReason } from './kill-reason.js';
import { Lease } from './lease.js';
import { KILL_GRACE_MS, UNANSWERED_HEARTBEATS_MAX } from './limits.js';
import type { Moment, Output, RunOutcome } from './output.js';
import { Spool } from './spool.js';
import type { SavedState } from './saved-state.js';
import { StartTask, type StartTaskState } from './start-task.js';

/** What the agent says of itself at every hello. */
export interface AgentIdentity {
  protocolVersion: number;
  agentVersion: string;
  remarks: string[];
  ipAddress?: string;
}

/**
 * The agent's decisions: no I/O, no clock. Inputs are the methods; each may leave orders that the
 * caller takes with `takeOutputs` and carries out. `wakeAt` says when `tick` is wanted at the latest.
 * Events leave with `flush`, which the caller calls when it sees fit: what happens between two flushes
 * travels in one message.
 *
 *   idle ──configure──► preparing ──prepared──► (start task) ──► tries may start, while the lease lives
 */
export class AgentCore {
  #outputs: Output[] = [];
  #lease = new Lease();
  #spool = new Spool();
  #attempts = new Attempts();
  #startTask = new StartTask();
  #configuration: NodeConfiguration | undefined;
  #prepared = false;
  /** Prepared by this very process. */
  #isReady = false;
  /** Tries that went on from an earlier process and are known whole again, but wait for the node. */
  #completed: Assignment[] = [];
  /** The end of a start task that an earlier process began, until the configuration is here again. */
  #heldStartTaskEnd: RunOutcome | undefined;
  /** Goes on where an earlier process ended. */
  #resumed = false;
  /** Numbers go on after those that the controller has heard in this incarnation. */
  #knowsSequence = false;
  /** The tries of the last lease are given up; those that come now wait for the next one. */
  #lapsed = true;
  #closing = false;
  /** `greeted`: hello is out; `open`: welcome came, events may flow. */
  #link: 'closed' | 'greeted' | 'open' = 'closed';
  #heartbeatIntervalMs = Number.POSITIVE_INFINITY;
  #heartbeatAt = Number.POSITIVE_INFINITY;

  constructor(private readonly identity: AgentIdentity) {}

  /** Goes on where an earlier process of this agent ended; before anything else. */
  restore(saved: SavedState, now: Moment): void {
    this.#resumed = true;
    this.#prepared = true;
    this.#knowsSequence = true;
    this.#spool.restore(saved.sequence, saved.events);
    this.#startTask.restore(saved.startTask.state, saved.startTask.retryCount);
    if (saved.lease !== undefined) {
      this.#lease.restore(saved.lease.until, saved.lease.leaseMs);
      this.#lapsed = !this.#lease.isLive(now.monotonic);
    }
    for (const { assignment, startedEpoch } of saved.running) {
      const startedAt = now.monotonic - (now.epoch - startedEpoch);
      this.#attempts.restore({ assignment, startedAt, startedEpoch, incomplete: true });
    }
    // The lease may have gone by while nobody was there to heed it.
    if (this.#lapsed) this.#giveUpTries();
  }

  /** What the survivor must enforce: the end of the lease by the monotonic clock, while there is something to kill. */
  get guarded(): { until: number; leaseMs: number } | undefined {
    const isIdle = this.#attempts.allRunning().next().done === true;
    return this.#lapsed && isIdle ? undefined : this.#lease.end;
  }

  /** A running try: what it is, and when it began (epoch milliseconds). */
  running(attempt: AttemptRef): { assignment: Assignment; startedEpoch: number } | undefined {
    return this.#attempts.running(attempt);
  }

  /** Nobody knows how the try ended: it is reported as stopped, and tried again. */
  lost(attempt: AttemptRef): void {
    const running = this.#attempts.running(attempt);
    if (running !== undefined) running.killed = 'stopped';
  }

  get isPrepared(): boolean {
    return this.#prepared;
  }

  get startTask(): { state: StartTaskState; retryCount: number } {
    return { state: this.#startTask.state, retryCount: this.#startTask.retryCount };
  }

  /** Numbered events that are not acknowledged, and the number of the newest. */
  get spooled(): { sequence: number; events: SequencedEvent[] } {
    return { sequence: this.#spool.sequence, events: this.#spool.unacknowledged().flat() };
  }

  /** Orders since the last call, in the order in which they must be carried out. */
  takeOutputs(): Output[] {
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }

  linkOpened(): void {
    this.#link = 'greeted';
    this.#send({
      type: 'hello',
      ...this.identity,
      configured: this.#configuration !== undefined || this.#resumed,
      ...(this.#configuration === undefined && this.#resumed ? { resumed: true } : {}),
      held: this.#held(),
      lastSequence: this.#spool.lastSequence,
    });
  }

  linkClosed(): void {
    this.#link = 'closed';
    this.#heartbeatAt = Number.POSITIVE_INFINITY;
    this.#lease.linkClosed();
  }

  receive(message: ToAgent, now: Moment): void {
    switch (message.type) {
      case 'welcome':
        return this.#welcome(message.heartbeatIntervalMs, message.acknowledged, now);
      case 'configure':
        return this.#configure(message.configuration);
      case 'assign':
        for (const assignment of message.assignments) this.#assign(assignment, now);
        return this.#startTries(now);
      case 'stop':
        for (const attempt of message.attempts) this.#stop(attempt, now);
        return this.#startTries(now);
      case 'proceed':
        for (const attempt of message.attempts)
          if (this.#attempts.running(attempt) !== undefined)
            this.#outputs.push({ type: 'proceedAttempt', attempt: reference(attempt) });
        return;
      case 'acknowledge':
        return this.#spool.acknowledge(message.sequence);
      case 'lease':
        this.#lease.renew(message.heartbeat, message.leaseMs);
        this.#lapsed = !this.#lease.isLive(now.monotonic) && this.#lapsed;
        return this.#startTries(now);
      case 'request':
        this.#outputs.push({ type: 'answerRequest', id: message.id, request: message.request });
        return;
      case 'removeDirectories':
        this.#outputs.push({ type: 'removeDirectories', directories: message.directories });
        return;
    }
  }

  /** Directories, certificates and application packages are in place. */
  prepared(now: Moment): void {
    this.#isReady = true;
    this.#tellCompleted();
    if (this.#resumed) {
      // Prepared once in this incarnation: what was begun then goes on.
      if (this.#heldStartTaskEnd !== undefined) this.startTaskEnded(this.#heldStartTaskEnd, now);
      this.#heldStartTaskEnd = undefined;
      if (this.#startTask.state === 'pending') this.#startTask.schedule(now.monotonic);
      this.tick(now);
      return;
    }
    this.#prepared = true;
    this.#spool.push({ type: 'nodePrepared' });
    if (this.#configuration?.startTask !== undefined) this.#startTask.schedule(now.monotonic);
    this.tick(now);
  }

  /** The node can't be prepared; a later `configure` tries again. */
  unusable(code: string, message: string, details: FailureInfo['details'] = []): void {
    this.#configuration = undefined;
    this.#spool.push({ type: 'nodeUnusable', code, message, details });
  }

  startTaskEnded(outcome: RunOutcome, now: Moment): void {
    const startTask = this.#configuration?.startTask;
    if (this.#configuration === undefined) this.#heldStartTaskEnd = outcome;
    if (startTask === undefined) return;
    this.#spool.push(this.#startTask.ended(startTask, outcome, now.monotonic));
    this.tick(now);
  }

  /** A part's coordination command exited with 0; the try goes on. */
  attemptCoordinated(attempt: AttemptRef, outcome: RunOutcome): void {
    if (this.#attempts.running(attempt) === undefined) return;
    this.#spool.push({ type: 'attemptCoordinated', ...reference(attempt), outcome });
  }

  /** Every started try ends here exactly once: by itself, killed, or failed before its process. */
  attemptEnded(attempt: AttemptRef, run: RunOutcome, now: Moment): void {
    const running = this.#attempts.end(attempt, now.monotonic);
    if (running === undefined) return;
    const { taskKey, retentionTimeMs, multiInstance } = running.assignment;
    const directory = multiInstance?.sharedDirectory ?? running.assignment.directory;
    const outcome = withReason(run, running.killed);
    this.#spool.push({ type: 'attemptEnded', taskKey, attempt: attempt.attempt, outcome });
    if (retentionTimeMs !== undefined) {
      const untilEpoch = outcome.endTime + retentionTimeMs;
      this.#outputs.push({ type: 'retainDirectory', directory, untilEpoch });
    }
    this.#startTries(now);
  }

  /** Does what time alone brings about: heartbeats, wall-clock limits, the end of the lease, returns. */
  tick(now: Moment): void {
    this.#heartbeat(now);
    if (!this.#lapsed && !this.#lease.isLive(now.monotonic)) this.#giveUpTries();
    for (const running of this.#attempts.allRunning()) {
      if (killTime(running) <= now.monotonic) this.#kill(running, 'wallClock', KILL_GRACE_MS);
    }
    const run = this.#startTask.begin(now);
    if (run !== undefined && this.#configuration !== undefined) {
      this.#spool.push(run.event);
      const { retryCount } = run;
      this.#outputs.push({ type: 'runStartTask', configuration: this.#configuration, retryCount });
    }
    this.#startTries(now);
    for (const assignment of this.#attempts.takeOverdue(now.monotonic)) this.#return(assignment);
  }

  /** The agent is about to end: nothing starts any more, and what runs is killed and reported as stopped. */
  shutDown(): void {
    this.#closing = true;
    for (const assignment of this.#attempts.withdrawAll()) this.#return(assignment);
    for (const running of this.#attempts.allRunning()) this.#kill(running, 'stopped', 0);
  }

  /** The monotonic instant at which `tick` is needed at the latest; infinity when nothing is due. */
  wakeAt(): number {
    let at = Math.min(this.#heartbeatAt, this.#startTask.runAt, this.#attempts.returnAt());
    if (!this.#lapsed) at = Math.min(at, this.#lease.killAt);
    for (const running of this.#attempts.allRunning()) {
      at = Math.min(at, killTime(running));
      if (running.killed !== 'stopped') at = Math.min(at, this.#lease.killAt);
    }
    return at;
  }

  /** What `flush` would send: `starts` may wait a moment for their ends, `events` should go. */
  get unsent(): 'nothing' | 'starts' | 'events' {
    if (!this.#knowsSequence || !this.#spool.hasPending) return 'nothing';
    return this.#spool.onlyStartsPending ? 'starts' : 'events';
  }

  /** Has what happened since the last flush written down and sent, as few messages; without a link later. */
  flush(): void {
    if (!this.#knowsSequence) return;
    for (const events of this.#spool.flush()) {
      this.#outputs.push({ type: 'recordEvents', events });
      if (this.#link === 'open') this.#send({ type: 'events', events });
    }
  }

  #welcome(heartbeatIntervalMs: number, acknowledged: number, now: Moment): void {
    this.#link = 'open';
    this.#knowsSequence = true;
    this.#spool.acknowledge(acknowledged);
    for (const events of this.#spool.unacknowledged()) this.#send({ type: 'events', events });
    this.#heartbeatIntervalMs = heartbeatIntervalMs;
    this.#heartbeatAt = now.monotonic;
    this.tick(now);
  }

  #configure(configuration: NodeConfiguration): void {
    if (this.#configuration !== undefined) return;
    this.#configuration = configuration;
    this.#attempts.setSlots(configuration.taskSlotsPerNode);
    this.#outputs.push({ type: 'prepareNode', configuration });
  }

  #assign(assignment: Assignment, now: Moment): void {
    if (assignment.again === true) return this.#complete(assignment);
    if (this.#spool.hasEnd(assignment)) return;
    if (this.#attempts.has(assignment)) return;
    if (this.#attempts.holdsTask(assignment.taskKey)) {
      const older = this.#attempts.older(assignment);
      for (const waiting of older.waiting) {
        this.#attempts.withdraw(waiting);
        this.#return(waiting);
      }
      for (const running of older.running) this.#kill(running, 'stopped', KILL_GRACE_MS);
    }
    this.#attempts.receive(assignment, now.monotonic);
  }

  #complete(assignment: Assignment): void {
    const running = this.#attempts.running(assignment);
    if (running === undefined) return;
    // Constraints may have been changed since it began; its wall-clock limit stays.
    const { maxWallClockTimeMs } = running.assignment;
    const limit = maxWallClockTimeMs === undefined ? {} : { maxWallClockTimeMs };
    const { maxWallClockTimeMs: _changed, ...rest } = assignment;
    running.assignment = { ...rest, ...limit };
    if (running.incomplete !== true) return;
    delete running.incomplete;
    this.#completed.push(assignment);
    this.#tellCompleted();
  }

  /** A primary that waits runs its command on a node that is ready for it; others need what came alone. */
  #tellCompleted(): void {
    const waits = ({ multiInstance }: Assignment) => multiInstance !== undefined && !this.#isReady;
    const configuration = this.#configuration;
    for (const assignment of this.#completed.filter((one) => !waits(one)))
      this.#outputs.push({ type: 'completeAttempt', assignment, configuration });
    this.#completed = this.#completed.filter(waits);
  }

  #stop(attempt: AttemptRef, now: Moment): void {
    if (this.#attempts.withdraw(attempt)) {
      const outcome: Outcome = { endTime: now.epoch, stopped: true };
      this.#spool.push({ type: 'attemptEnded', ...reference(attempt), outcome });
      return;
    }
    const running = this.#attempts.running(attempt);
    if (running !== undefined) this.#kill(running, 'stopped', KILL_GRACE_MS);
  }

  #giveUpTries(): void {
    this.#lapsed = true;
    for (const assignment of this.#attempts.withdrawAll()) this.#return(assignment);
    for (const running of this.#attempts.allRunning()) {
      this.#kill(running, 'stopped', this.#lease.killGraceMs);
    }
  }

  #kill(running: RunningAttempt, reason: KillReason, graceMs: number): void {
    // One that ran out of time may be uploading still when it is stopped for good.
    if (running.killed === 'stopped' || running.killed === reason) return;
    running.killed = reason;
    this.#outputs.push({
      type: 'killAttempt',
      attempt: reference(running.assignment),
      graceMs,
      keepsOutput: reason === 'wallClock',
    });
  }

  #return(assignment: Assignment): void {
    this.#spool.push({ type: 'attemptReturned', ...reference(assignment) });
  }

  #startTries(now: Moment): void {
    const configuration = this.#configuration;
    if (configuration === undefined || !this.#mayRunTries(configuration)) return;
    if (!this.#lease.isLive(now.monotonic)) return;
    let running: RunningAttempt | undefined;
    while ((running = this.#attempts.startNext(now.monotonic, now.epoch)) !== undefined) {
      const { assignment } = running;
      this.#spool.push({ type: 'attemptStarted', ...reference(assignment), startTime: now.epoch });
      this.#outputs.push({ type: 'startAttempt', assignment, configuration });
    }
  }

  #mayRunTries(configuration: NodeConfiguration): boolean {
    if (!this.#prepared || this.#closing) return false;
    if (configuration.startTask?.waitForSuccess !== true) return true;
    return this.#startTask.state === 'succeeded';
  }

  #heartbeat(now: Moment): void {
    if (this.#heartbeatAt > now.monotonic) return;
    if (this.#lease.unanswered >= UNANSWERED_HEARTBEATS_MAX) {
      this.#heartbeatAt = Number.POSITIVE_INFINITY;
      this.#outputs.push({ type: 'dropLink' });
      return;
    }
    this.#heartbeatAt = now.monotonic + this.#heartbeatIntervalMs;
    this.#send({ type: 'heartbeat', number: this.#lease.heartbeat(now.monotonic) });
  }

  /** Tries the controller may still count on this node for: here, or ended without its word that it knows. */
  #held(): AttemptRef[] {
    const held = this.#attempts.references();
    for (const event of this.#spool.events()) {
      if (event.type === 'attemptEnded' || event.type === 'attemptReturned')
        held.push(reference(event));
    }
    return held;
  }

  #send(message: ToController): void {
    this.#outputs.push({ type: 'send', message });
  }
}
