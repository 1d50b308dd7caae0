import type { Changes } from '../../controller/core/recorder.js';
import { invariants } from '../../controller/core/invariants.js';
import type { State } from '../../controller/core/state.js';
import type { AgentPorts, SimulatedAgent } from './agents.js';
import { checkers } from './checkers/all.js';
import { Timeline, drained } from './clock.js';
import type { Commit, Committed } from './committed.js';
import { SimulatedController } from './controller.js';
import { SimulatedDisk } from './disk.js';
import { SimulationFailure } from './failure.js';
import { Hypervisor } from './hypervisor.js';
import { Network } from './network.js';
import type { Checker, RunningTry, Sight } from './observers.js';
import {
  calmFaults,
  chanceOf,
  meanPauseOf,
  type Fault,
  type Options,
  type Rate,
} from './options.js';
import { randomStream } from './random.js';
import { Transitions } from './transitions.js';
import { Acknowledged } from './acknowledged.js';
import { Coverage, type Happening } from './coverage.js';

/** Chance that the controller dies in the very instant of a commit, before or after it. */
const CRASH_AT_COMMIT = { off: 0, rare: 1 / 2_000, frequent: 1 / 250 };

/** As where somebody mistakes summer time for the wall clock. */
const HOUR_MS = 60 * 60_000;

/**
 * Controller, agents, hypervisor, network and disk of one seed, in virtual time. Only ports are
 * replaced: core, engine, commands and the agent's core are the real ones.
 */
export class World implements Sight {
  readonly timeline = new Timeline();
  readonly transitions: Transitions;
  readonly running = new Set<RunningTry>();
  readonly acknowledged = new Acknowledged();
  readonly coverage = new Coverage();
  readonly disk: SimulatedDisk;
  readonly network: Network;
  readonly hypervisor: Hypervisor;
  readonly controller: SimulatedController;
  faults: Record<Fault, Rate>;
  /** For hand-written scenes: called in the instant in which something becomes durable. */
  atCommit: ((commit: Commit) => void) | undefined;
  readonly #checkers: readonly Checker[] = checkers();
  readonly #random;
  #failure: Error | undefined;
  #wallOffsetMs = 0;
  #ticks = 0;

  constructor(
    readonly options: Options,
    print?: (line: string) => void,
  ) {
    const { seed, canary, settings } = options;
    const stream = (name: string) => randomStream(seed, name);
    const { timeline } = this;
    const { happened } = this.coverage;
    const faults = () => this.faults;
    const broken = (error: unknown) => this.broken(error);
    this.faults = options.faults;
    this.#random = stream('accidents');
    const outages = stream('outages');
    this.transitions = new Transitions(print);
    this.disk = new SimulatedDisk({
      ...{ timeline, faults, canary, happened },
      random: stream('disk'),
      onCommit: (commit) => this.guarded(() => this.#committed(commit)),
    });
    this.network = new Network({ timeline, faults, happened, random: stream('network') });
    this.controller = new SimulatedController({
      ...{ timeline, settings, broken, canary, happened },
      wallOffsetMs: () => this.#wallOffsetMs,
      random: stream('engine'),
      disk: this.disk,
      hypervisor: () => this.hypervisor,
      restartMs: () => {
        const short = this.#random.int(50, 5_000);
        if (!outages.chance(chanceOf(this.faults.longOutage))) return short;
        happened('longOutage');
        return outages.int(30_000, 8 * 60_000);
      },
      ticked: (state, changes) => this.guarded(() => this.#ticked(state, changes)),
      recovered: () => this.guarded(() => this.#tell('recovered')),
    });
    const ports = {
      ...{ timeline, faults, canary, happened, network: this.network, gateway: this.controller },
      random: stream('nodes'),
      started: (started) => this.guarded(() => this.#started(started)),
      ended: (ended) => this.guarded(() => this.#ended(ended)),
    } satisfies AgentPorts;
    this.hypervisor = new Hypervisor(ports, options.hypervisorVcpus);
  }

  get now(): number {
    return this.timeline.now;
  }

  get committed(): Committed {
    return this.disk.committed;
  }

  /** The controller starts, and accidents begin to happen. */
  start(): void {
    this.controller.start();
    this.#accident('controllerCrash', () => this.controller.crash());
    this.#accident('nodeDeath', () =>
      this.#anyAgent('nodeDied', (agent) => this.hypervisor.kill(agent)),
    );
    this.#accident('partition', () =>
      this.#anyAgent('partition', (agent) => agent.cutOff(this.#random.int(5_000, 240_000))),
    );
    this.#accident('hypervisorLoss', () =>
      this.hypervisor.lose(this.#random.int(5_000, 10 * 60_000)),
    );
    this.#accident('clockJump', () => {
      const jump = this.#random.chance(0.9)
        ? this.#random.int(-30_000, 90_000)
        : this.#random.int(-1, 1) * HOUR_MS;
      this.#wallOffsetMs += jump;
      this.coverage.happened(jump < 0 ? 'clockBack' : 'clockForward');
    });
    this.#accident('agentRestart', () =>
      this.#anyAgent('agentRestarted', (agent) => agent.restart()),
    );
  }

  /** From now on nothing fails that has not failed yet. */
  calm(): void {
    this.faults = calmFaults();
    this.hypervisor.enlarge();
  }

  /** Lets everything happen that happens up to `until`, each with all its promise turns. */
  async runUntil(until: number): Promise<void> {
    await drained();
    while (this.timeline.step(until)) {
      await drained();
      if (this.#failure !== undefined) throw this.#failure;
    }
    this.timeline.advanceTo(until);
  }

  /** Lets time pass until the condition holds; false when it never does. */
  async waitFor(condition: () => boolean, withinMs: number, everyMs = 100): Promise<boolean> {
    const end = this.now + withinMs;
    while (!condition()) {
      if (this.now >= end) return false;
      await this.runUntil(Math.min(end, this.now + everyMs));
    }
    return true;
  }

  /** Ends the run with the first thing that went wrong. */
  broken(error: unknown): void {
    this.#failure ??= error instanceof Error ? error : new Error(String(error));
  }

  /** A client was told that its command is done. */
  told(): void {
    this.guarded(() => this.#tell('acknowledged'));
  }

  /** The run is over: the last look of the checkers. */
  end(): void {
    this.#tell('finished');
  }

  /** A checker's word must not be swallowed by whoever called. */
  guarded(look: () => void): void {
    try {
      look();
    } catch (error) {
      this.broken(error);
    }
  }

  #committed(commit: Commit): void {
    this.transitions.committed(commit);
    this.coverage.committed(commit, this.committed);
    for (const checker of this.#checkers) checker.committed?.(commit, this);
    this.atCommit?.(commit);
    if (this.#random.chance(CRASH_AT_COMMIT[this.faults.controllerCrash])) {
      this.coverage.happened('diedAtCommit');
      if (this.#random.chance(0.5)) this.controller.crash();
      else this.disk.atNextCommit = () => this.#dieSoon();
    }
  }

  /** While a commit is under way, most of the time. */
  #dieSoon(): void {
    this.timeline.after(this.#random.int(0, 5), () => this.controller.crash());
  }

  /** Looks at all of memory where rows changed; at a tick of mere heartbeats nothing can break. */
  #ticked(state: State, { dirty, deleted }: Changes): void {
    const sets = [...Object.values(dirty), ...Object.values(deleted)];
    if (sets.every((changed: ReadonlySet<unknown>) => changed.size === 0)) return;
    this.#ticks += 1;
    const [job] = state.jobs.values();
    if (this.options.canary === 'memoryWrong' && this.#ticks > 60 && job !== undefined)
      job.taskCounts.active += 1;
    for (const broken of invariants(state))
      throw new SimulationFailure('safety', 'invariants', broken);
  }

  #started(started: RunningTry): void {
    this.running.add(started);
    this.transitions.ran('starts', this.now, started);
    for (const checker of this.#checkers) checker.started?.(started, this);
  }

  #ended(ended: RunningTry): void {
    this.running.delete(ended);
    this.transitions.ran('ends', this.now, ended);
    for (const checker of this.#checkers) checker.ended?.(ended, this);
  }

  #tell(what: 'recovered' | 'acknowledged' | 'finished'): void {
    for (const checker of this.#checkers) checker[what]?.(this);
  }

  #anyAgent(what: Happening, harm: (agent: SimulatedAgent) => void): void {
    const agent = this.#random.pick([...this.hypervisor.agents].filter((one) => one.alive));
    if (agent === undefined) return;
    this.coverage.happened(what);
    harm(agent);
  }

  /** Something that happens again and again by itself, until the world is calm. */
  #accident(fault: Fault, happens: () => void): void {
    const mean = meanPauseOf(this.faults[fault]);
    if (mean === Infinity) return;
    this.timeline.after(Math.ceil(-Math.log(1 - this.#random.next()) * mean), () => {
      if (this.faults[fault] === 'off') return;
      happens();
      this.#accident(fault, happens);
    });
  }
}
