import { AgentCore } from '../../agent/core/agent-core.js';
import { attemptId, type Moment, type Output } from '../../agent/core/output.js';
import type { Assignment } from '../../protocol/agent/assignment.js';
import type { AttemptRef, ToAgent, ToController } from '../../protocol/agent/message.js';
import type { NodeKey } from '../../protocol/keys.js';
import type { Timeline } from './clock.js';
import type { Link, Network } from './network.js';
import { nameOfTry, type AgentSight, type RunningTry } from './observers.js';
import type { Happening } from './coverage.js';
import { chanceOf, type Fault, type Rate } from './options.js';
import type { Canary } from './plant.js';
import { FILE_MISSING, programOf } from './program.js';
import type { RandomStream } from './random.js';

/** The controller's door, as agents find it. Where nobody is in, nobody answers. */
export interface Gateway {
  enrol(
    request: { nodeKey: NodeKey; incarnation: number; secretHash: string },
    answer: (accepted: boolean) => void,
  ): void;
  /** Whether the link is taken. */
  accept(link: Link, nodeKey: NodeKey, incarnation: number, secretHash: string): boolean;
}

export interface AgentPorts {
  timeline: Timeline;
  random: RandomStream;
  faults: () => Record<Fault, Rate>;
  canary: Canary | undefined;
  network: Network;
  gateway: Gateway;
  happened: (what: Happening) => void;
  started: (started: RunningTry) => void;
  ended: (ended: RunningTry) => void;
}

interface Process {
  readonly sight: RunningTry;
  readonly assignment: Assignment;
  readonly startTime: number;
  /** When it ends as things stand. */
  endsAt: number;
  exitCode: number;
  cancel: () => void;
  /** Of a part of a multi-instance task: what runs now, or that it waits. */
  part?: 'coordinating' | 'waiting' | 'proceeded';
  /** It was told to die, and does so by itself at the latest. */
  killed?: true;
}

/** One boot of one node: the real core of the agent, its clock, its link and its processes. */
export class SimulatedAgent implements AgentSight {
  leaseUntil = -Infinity;
  slots = 0;
  readonly #secretHash: string;
  readonly #bootedAt: number;
  /** The node's monotonic clock against true time, and its wall clock's error. */
  readonly #rate: number;
  readonly #skewMs: number;
  #core = this.#newCore();
  #alive = true;
  #enrolled = false;
  #link: Link | undefined;
  #dialling = false;
  #cutOffUntil = -Infinity;
  #processes = new Map<string, Process>();
  /** Grows with each restart of the agent's process: what was begun before is void. */
  #life = 0;
  #cancelTick: () => void = () => undefined;
  #cancelFlush: (() => void) | undefined;
  readonly #heartbeats = new Map<number, number>();

  constructor(
    readonly nodeKey: NodeKey,
    readonly incarnation: number,
    private readonly ports: AgentPorts,
  ) {
    const { random, timeline } = ports;
    this.#secretHash = random.hex(32);
    this.#bootedAt = timeline.now;
    this.#rate = 1 + (random.next() - 0.5) / 200;
    this.#skewMs = random.int(-60_000, 60_000);
    this.#after(random.int(200, 8_000), () => this.#callHome());
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Power off: nothing of this boot does anything any more. */
  die(): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#stopProcesses();
    this.#link?.closeFromAgent();
    this.#link = undefined;
  }

  /** The agent's process dies with its tasks and comes back with its secret, its memory gone. */
  restart(): void {
    if (!this.#alive) return;
    this.#life += 1;
    this.#stopProcesses();
    this.#link?.closeFromAgent();
    this.#link = undefined;
    this.#dialling = false;
    this.#heartbeats.clear();
    this.leaseUntil = -Infinity;
    this.#core = this.#newCore();
    this.#after(this.ports.random.int(100, 3_000), () => this.#callHome());
  }

  /** Nothing comes through between this node and the controller for so long. */
  cutOff(ms: number): void {
    this.#cutOffUntil = this.ports.timeline.now + ms;
    this.#link?.lose();
  }

  #newCore(): AgentCore {
    return new AgentCore({ protocolVersion: 1, agentVersion: 'simulated', remarks: [] });
  }

  #stopProcesses(): void {
    this.#cancelTick();
    this.#cancelFlush?.();
    this.#cancelFlush = undefined;
    for (const process of this.#processes.values()) {
      process.cancel();
      this.ports.ended(process.sight);
    }
    this.#processes.clear();
  }

  /** Calls back unless this life of the agent is over by then. */
  #after(ms: number, callback: () => void): () => void {
    const life = this.#life;
    return this.ports.timeline.after(ms, () => {
      if (this.#alive && this.#life === life) callback();
    });
  }

  #now(): Moment {
    const { now } = this.ports.timeline;
    return { monotonic: (now - this.#bootedAt) * this.#rate, epoch: now + this.#skewMs };
  }

  #callHome(): void {
    if (this.#enrolled) return this.#dial();
    const again = this.#after(this.ports.random.int(1_000, 6_000), () => this.#callHome());
    const { network, gateway } = this.ports;
    const { nodeKey, incarnation } = this;
    const request = { nodeKey, incarnation, secretHash: this.#secretHash };
    const lost = () => undefined;
    const answered = (accepted: boolean) => {
      if (!this.#alive || this.#enrolled || !accepted) return;
      again();
      this.#enrolled = true;
      this.#dial();
    };
    network.carry(
      () => gateway.enrol(request, (accepted) => network.carry(() => answered(accepted), lost)),
      lost,
    );
  }

  #dial(): void {
    if (this.#dialling || this.#link !== undefined) return;
    this.#dialling = true;
    const life = this.#life;
    const { network, gateway } = this.ports;
    const again = () => {
      if (!this.#alive || this.#life !== life) return;
      this.#dialling = false;
      this.#after(this.ports.random.int(200, 2_500), () => this.#dial());
    };
    if (this.ports.timeline.now < this.#cutOffUntil) return again();
    network.carry(() => {
      if (!this.#alive || this.#life !== life) return;
      const link = network.connect();
      if (!gateway.accept(link, this.nodeKey, this.incarnation, this.#secretHash)) return again();
      network.carry(
        () => {
          if (!this.#alive || this.#life !== life) return link.closeFromAgent();
          this.#dialling = false;
          this.#opened(link);
        },
        () => {
          link.closeFromAgent();
          again();
        },
      );
    }, again);
  }

  #opened(link: Link): void {
    this.#link = link;
    link.toAgent.listen({
      message: (message) => this.#receive(message),
      closed: () => {
        if (this.#link !== link) return;
        this.#linkEnded();
      },
    });
    this.#core.linkOpened();
    this.#turn();
  }

  #linkEnded(): void {
    this.#link = undefined;
    this.#heartbeats.clear();
    this.#core.linkClosed();
    this.#turn();
    this.#after(this.ports.random.int(50, 2_000), () => this.#dial());
  }

  #receive(message: ToAgent): void {
    if (message.type === 'lease') {
      const sentAt = this.#heartbeats.get(message.heartbeat);
      if (sentAt !== undefined)
        this.leaseUntil = Math.max(this.leaseUntil, sentAt + message.leaseMs / this.#rate);
    }
    if (message.type === 'configure') {
      this.slots = message.configuration.taskSlotsPerNode;
      if (this.ports.canary === 'slotsUnchecked')
        message.configuration.taskSlotsPerNode = this.slots * 2 + 1;
    }
    this.#core.receive(message, this.#now());
    this.#turn();
  }

  /** Carries out the core's orders until it has none, then sees to its next wish. */
  #turn(): void {
    for (
      let outputs = this.#core.takeOutputs();
      outputs.length > 0;
      outputs = this.#core.takeOutputs()
    )
      for (const output of outputs) this.#carryOut(output);
    this.#seeToFlush();
    this.#cancelTick();
    const wait = (this.#core.wakeAt() - this.#now().monotonic) / this.#rate;
    if (wait === Infinity) return;
    const late = this.#draw('slowAgent', 'agentSlow') ? this.ports.random.int(1, 800) : 0;
    this.#cancelTick = this.#after(Math.max(0, Math.ceil(wait)) + late, () => {
      this.#core.tick(this.#now());
      this.#turn();
    });
  }

  #seeToFlush(): void {
    const { unsent } = this.#core;
    if (unsent === 'nothing' || this.#cancelFlush !== undefined) return;
    const wait = unsent === 'events' ? this.ports.random.int(0, 2) : 50;
    this.#cancelFlush = this.#after(wait, () => {
      this.#cancelFlush = undefined;
      this.#core.flush();
      this.#turn();
    });
  }

  #send(message: ToController): void {
    if (message.type === 'heartbeat') this.#heartbeats.set(message.number, this.ports.timeline.now);
    this.#link?.toController.send(message);
  }

  #carryOut(output: Output): void {
    switch (output.type) {
      case 'send':
        return this.#send(output.message);
      case 'dropLink':
        this.#link?.closeFromAgent();
        return this.#linkEnded();
      case 'prepareNode':
        return this.#prepare();
      case 'runStartTask':
        return this.#runStartTask();
      case 'startAttempt':
        return this.#startAttempt(output.assignment);
      case 'killAttempt':
        return this.#kill(output.attempt, output.graceMs);
      case 'proceedAttempt':
        return this.#proceed(output.attempt);
      case 'recordEvents':
      case 'completeAttempt':
      case 'answerRequest':
      case 'removeDirectories':
      case 'retainDirectory':
        return;
    }
  }

  #draw(fault: Fault, what: Happening): boolean {
    const isDrawn = this.ports.random.chance(chanceOf(this.ports.faults()[fault]));
    if (isDrawn) this.ports.happened(what);
    return isDrawn;
  }

  #prepare(): void {
    const { random } = this.ports;
    const fails = this.#draw('prepareFails', 'nodeNotPrepared');
    this.#after(random.int(20, 600), () => {
      if (fails) this.#core.unusable('SimulatedFailure', 'the node could not be prepared');
      else this.#core.prepared(this.#now());
      this.#turn();
    });
  }

  #runStartTask(): void {
    const { random } = this.ports;
    const exitCode = this.#draw('startTaskFails', 'startTaskFailed') ? 1 : 0;
    const startTime = this.#now().epoch;
    this.#after(random.int(50, 2_000), () => {
      const now = this.#now();
      this.#core.startTaskEnded({ startTime, endTime: now.epoch, exitCode }, now);
      this.#turn();
    });
  }

  #startAttempt(assignment: Assignment): void {
    const { ms, exitCode, fails } = programOf(assignment.commandLine);
    const { now } = this.ports.timeline;
    const sight: RunningTry = {
      agent: this,
      taskKey: nameOfTry(assignment, this.nodeKey),
      attempt: assignment.attempt,
      assignment,
      startedAt: now,
    };
    const process: Process = {
      sight,
      assignment,
      startTime: this.#now().epoch,
      endsAt: now + ms,
      exitCode: assignment.attempt <= fails ? 1 : exitCode,
      cancel: () => undefined,
      ...(assignment.multiInstance === undefined ? {} : { part: 'coordinating' as const }),
    };
    if (assignment.multiInstance !== undefined) {
      const coordination = programOf(assignment.multiInstance.coordinationCommandLine);
      process.exitCode = coordination.exitCode;
      process.endsAt = now + coordination.ms;
    }
    this.#processes.set(attemptId(assignment), process);
    this.#endAt(process, process.endsAt);
    this.ports.started(sight);
  }

  #endAt(process: Process, at: number): void {
    process.cancel();
    process.endsAt = at;
    process.cancel = this.#after(at - this.ports.timeline.now, () => this.#processEnded(process));
  }

  #processEnded(process: Process): void {
    const { assignment, sight, exitCode, startTime } = process;
    if (process.part === 'coordinating' && exitCode === 0 && process.killed !== true) {
      process.part = 'waiting';
      process.endsAt = Infinity;
      const { epoch } = this.#now();
      this.#core.attemptCoordinated(assignment, { startTime, endTime: epoch, exitCode });
      this.#turn();
      return;
    }
    this.#processes.delete(attemptId(assignment));
    this.ports.ended(sight);
    if (this.ports.canary === 'endsUnreported' && assignment.attempt % 2 === 1) return;
    const now = this.#now();
    const endTime = now.epoch;
    this.#core.attemptEnded(
      assignment,
      programOf(assignment.commandLine).unprepared
        ? { startTime, endTime, failure: FILE_MISSING, preProcessing: true }
        : { startTime, endTime, exitCode },
      now,
    );
    this.#turn();
  }

  #proceed(attempt: AttemptRef): void {
    const process = this.#processes.get(attemptId(attempt));
    if (process?.part !== 'waiting' || process.assignment.multiInstance?.subtaskId !== 0) return;
    const { ms, exitCode, fails } = programOf(process.assignment.commandLine);
    process.part = 'proceeded';
    process.exitCode = process.assignment.attempt <= fails ? 1 : exitCode;
    this.#endAt(process, this.ports.timeline.now + ms);
  }

  #kill(attempt: AttemptRef, graceMs: number): void {
    const process = this.#processes.get(attemptId(attempt));
    if (process === undefined || this.ports.canary === 'leaseUnchecked') return;
    process.killed = true;
    const { stubborn } = programOf(process.assignment.commandLine);
    const at =
      this.ports.timeline.now +
      (stubborn ? graceMs : Math.min(graceMs, this.ports.random.int(0, 200)));
    if (at >= process.endsAt) return;
    process.exitCode = stubborn ? -9 : -15;
    this.#endAt(process, at);
  }
}
