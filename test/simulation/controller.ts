import type { Changes } from '../../controller/core/recorder.js';
import type { Settings } from '../../controller/core/settings.js';
import type { State } from '../../controller/core/state.js';
import type { Command } from '../../controller/engine/command.js';
import { createEngine, type Engine } from '../../controller/engine/engine.js';
import type { Clock, Random, StateView, Store } from '../../controller/engine/ports.js';
import { nodeEnrol } from '../../controller/commands/node/enrol.js';
import { BatchError } from '../../protocol/batch/errors.js';
import type { NodeKey } from '../../protocol/keys.js';
import type { Gateway } from './agents.js';
import type { Timeline } from './clock.js';
import { DiskRefused, type SimulatedDisk } from './disk.js';
import { SimulationFailure } from './failure.js';
import type { Hypervisor } from './hypervisor.js';
import type { Link } from './network.js';
import type { Happening } from './coverage.js';
import type { Canary } from './plant.js';
import { SimulatedReconciler } from './reconciler.js';
import { SimulatedSessions } from './sessions.js';

export interface ControllerPorts {
  timeline: Timeline;
  /** The engine's chance. */
  random: Random;
  disk: SimulatedDisk;
  canary: Canary | undefined;
  happened: (what: Happening) => void;
  hypervisor: () => Hypervisor;
  settings: Settings;
  /** By how much the wall clock of its machine is ahead of true time. */
  wallOffsetMs: () => number;
  /** How long a new process takes from its start. */
  restartMs: () => number;
  ticked: (state: State, changes: Changes) => void;
  recovered: () => void;
  broken: (error: unknown) => void;
}

/** One process of the controller, from its start to its death. */
class Life {
  alive = true;
  up = false;
  readonly engine: Engine;
  readonly sessions: SimulatedSessions;
  readonly reconciler: SimulatedReconciler;

  constructor(
    readonly number: number,
    private readonly ports: ControllerPorts,
    onDeath: (error: unknown) => void,
  ) {
    const store: Store = ports.disk.open();
    const alive = () => this.alive;
    const { timeline, broken, settings, random, ticked } = ports;
    const view = () => this.engine.view;
    const report: Engine['report'] = (event) => {
      if (this.alive) this.engine.report(event);
    };
    const { heartbeatIntervalMs } = settings;
    const { happened } = ports;
    this.sessions = new SimulatedSessions(
      { store, view, report, alive, broken, happened, heartbeatIntervalMs },
      number,
    );
    const hypervisor = ports.hypervisor();
    this.reconciler = new SimulatedReconciler({
      timeline,
      hypervisor,
      canary: ports.canary,
      view,
      report,
      alive,
      broken,
    });
    this.engine = createEngine({
      store,
      clock: this.#clock(timeline, ports.wallOffsetMs),
      random,
      effects: { perform: (effects) => effects.forEach((effect) => this.#perform(effect)) },
      settings,
      onFatal: onDeath,
      onTick: (state, changes) => {
        if (this.alive) ticked(state, changes);
      },
    });
  }

  async start(): Promise<void> {
    await this.engine.start();
    if (!this.alive) return;
    this.up = true;
    this.reconciler.start();
    this.ports.recovered();
  }

  #perform(
    effect:
      | Parameters<SimulatedSessions['perform']>[0]
      | { type: 'keepConsole' }
      | { type: 'reconcilePool'; poolKey: Parameters<SimulatedReconciler['wake']>[0] },
  ): void {
    // Simulated nodes have no consoles.
    if (!this.alive || effect.type === 'keepConsole') return;
    if (effect.type === 'reconcilePool') this.reconciler.wake(effect.poolKey);
    else this.sessions.perform(effect);
  }

  #clock(timeline: Timeline, offset: () => number): Clock {
    return {
      now: () => timeline.now + offset(),
      monotonic: () => timeline.now,
      wakeAt: (at, callback) =>
        timeline.at(at - offset(), () => {
          if (this.alive) callback();
        }),
    };
  }
}

/** The controller over its lives: it dies, and comes back with what is durable. */
export class SimulatedController implements Gateway {
  #life: Life | undefined;
  #lives = 0;

  constructor(private readonly ports: ControllerPorts) {}

  get up(): boolean {
    return this.#life?.up === true;
  }

  get view(): StateView | undefined {
    return this.up ? this.#life?.engine.view : undefined;
  }

  start(): void {
    this.#lives += 1;
    const life = new Life(this.#lives, this.ports, (error) => this.#died(life, error));
    this.#life = life;
    life.start().catch((error: unknown) => this.#died(life, error));
  }

  /** kill -9, in whatever it is doing; it is started again. */
  crash(): void {
    const life = this.#life;
    if (life === undefined) return;
    life.alive = false;
    this.ports.happened('controllerDied');
    this.#life = undefined;
    life.sessions.closeAll();
    this.ports.disk.crash();
    this.ports.timeline.after(this.ports.restartMs(), () => this.start());
  }

  /** Undefined: nobody answers, or the controller died before it did. */
  submit<T>(command: Command<T>): Promise<T> | undefined {
    return this.up ? this.#life?.engine.submit(command) : undefined;
  }

  enrol(
    { nodeKey, incarnation, secretHash }: Parameters<Gateway['enrol']>[0],
    answer: (accepted: boolean) => void,
  ): void {
    const life = this.#life;
    const reply = this.submit(
      nodeEnrol({ nodeKey, incarnation, secretHash, agentVersion: 'simulated' }),
    );
    reply?.then(
      () => life?.alive === true && answer(true),
      (error: unknown) => {
        if (life?.alive !== true) return;
        if (error instanceof BatchError) answer(false);
        else this.ports.broken(error);
      },
    );
  }

  accept(link: Link, nodeKey: NodeKey, incarnation: number, secretHash: string): boolean {
    if (!this.up) return false;
    return this.#life?.sessions.accept(link, nodeKey, incarnation, secretHash) ?? false;
  }

  #died(life: Life, error: unknown): void {
    if (!life.alive) return;
    if (error instanceof DiskRefused) return this.crash();
    this.ports.broken(
      new SimulationFailure(
        'crash',
        'controller',
        String((error as Error | undefined)?.stack ?? error),
        {
          cause: error,
        },
      ),
    );
  }
}
