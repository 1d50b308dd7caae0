import type { Event } from '../core/event.js';
import { Recorder } from '../core/recorder.js';
import { clockJumped } from '../core/node/clock-jump.js';
import { Restoration } from '../core/restore.js';
import type { Settings } from '../core/settings.js';
import { shelve } from '../core/task/ready.js';
import { State } from '../core/state.js';
import type { Changes } from '../core/recorder.js';
import { batchOf, isEmpty } from './commit.js';
import type { Command } from './command.js';
import { Outbox } from './outbox.js';
import type { Clock, Effects, Random, StateView, Store } from './ports.js';
import { runTick, type Input, type Submission } from './tick.js';
import { SteadyTime } from './steady-time.js';
import { Timers } from './timers.js';
import { BodyCache, viewOf } from './view.js';
import { loadsOf, WorkingSet } from './working-set.js';

export interface EngineParts {
  store: Store;
  clock: Clock;
  random: Random;
  effects: Effects;
  settings: Settings;
  /** A commit failed or an invariant broke: memory is worth nothing, the process must end. Called once. */
  onFatal?: (error: unknown) => void;
  /** After each tick, for metrics, tests and the simulator. */
  onTick?: (state: State, changes: Changes) => void;
}

export interface Engine {
  /** Loads memory from the store and sets everything going. */
  start(): Promise<void>;
  /** Resolves or rejects after the commit of the tick that ran the command. */
  submit<T>(command: Command<T>): Promise<T>;
  /** Takes a fact from an executor. Never throws. */
  report(event: Event): void;
  readonly view: StateView;
  /** Takes nothing more, and resolves when what was taken is durable and answered. */
  stop(): Promise<void>;
}

/** Inputs of one tick at most; the rest waits for the next. */
const INPUTS_MAXIMUM = 4096;

/**
 * The single writer. Inputs collect while a commit is under way; then one tick runs them all and hands
 * one batch to the store; only after that commit do replies and effects leave.
 */
class SingleWriter implements Engine {
  readonly #state = new State();
  readonly #recorder: Recorder;
  readonly #outbox = new Outbox();
  readonly #timers: Timers;
  #time: SteadyTime;
  readonly #workingSet = new WorkingSet(this.#state);
  readonly #bodies = new BodyCache();
  readonly view: StateView = viewOf(this.#state, this.#bodies);
  #inputs: Input[] = [];
  #waiting: Submission[] = [];
  #fetched:
    { rows: Awaited<ReturnType<Store['readTasks']>>; submissions: Submission[] } | undefined;
  #fetching: Promise<void> | undefined;
  #running: Promise<void> | undefined;
  #life: 'new' | 'live' | 'stopping' | 'dead' = 'new';

  constructor(private readonly parts: EngineParts) {
    this.#time = new SteadyTime(parts.clock);
    this.#recorder = new Recorder(this.#state, parts.settings, parts.random, parts.clock.now());
    this.#timers = new Timers(parts.clock, () => this.report({ type: 'clockReached' }));
  }

  async start(): Promise<void> {
    const { store, clock } = this.parts;
    const snapshot = await store.load();
    this.#recorder.now = clock.now();
    const restoration = new Restoration(this.#recorder, snapshot);
    for await (const tasks of store.openTasks()) restoration.take(tasks);
    this.#time = new SteadyTime(clock);
    this.#recorder.now = this.#time.now;
    restoration.finish();
    this.#life = 'live';
    this.report({ type: 'clockReached' });
    await this.#running;
  }

  submit<T>(command: Command<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#life !== 'live') {
        reject(new Error(`the engine is ${this.#life}: ${command.name} was not taken`));
        return;
      }
      this.#inputs.push({ command, resolve: resolve as (reply: unknown) => void, reject });
      this.#wake();
    });
  }

  report(event: Event): void {
    if (this.#life === 'dead' || this.#life === 'new') return;
    this.#inputs.push(event);
    this.#wake();
  }

  async stop(): Promise<void> {
    if (this.#life === 'live') this.#life = 'stopping';
    while (this.#running !== undefined || this.#fetching !== undefined)
      await (this.#running ?? this.#fetching);
    this.#life = 'dead';
    this.#timers.stop();
  }

  #wake(): void {
    if (this.#running !== undefined) return;
    // One turn later, so that inputs of the same moment share a tick.
    this.#running = Promise.resolve()
      .then(() => this.#run())
      .catch((error: unknown) => this.#die(error))
      .finally(() => {
        this.#running = undefined;
        if (this.#hasWork()) this.#wake();
      });
  }

  #hasWork(): boolean {
    return this.#life !== 'dead' && (this.#inputs.length > 0 || this.#fetched !== undefined);
  }

  async #run(): Promise<void> {
    while (this.#hasWork()) await this.#tick();
  }

  async #tick(): Promise<void> {
    const inputs = this.#take();
    const jump = this.#time.advance();
    if (jump > 0) clockJumped(this.#recorder, jump);
    this.#recorder.now = this.#time.now;
    const changes = runTick(this.#recorder, inputs, this.#outbox);
    this.parts.onTick?.(this.#state, changes);
    if (!isEmpty(changes)) await this.parts.store.commit(batchOf(changes));
    this.#bodies.add(changes.taskBodies);
    for (const key of changes.deleted.task) this.#bodies.delete(key);
    for (const task of this.#state.toEvict) this.#bodies.delete(task.key);
    this.#workingSet.evict(changes.deleted.task, changes.jobsWithoutTasks);
    shelve(this.#state);
    this.#timers.set(this.#state.deadlines.next(), this.#time);
    this.#outbox.release(changes.effects, this.parts.effects);
  }

  /** The inputs of this tick; commands that need rows from the store are set aside until those are there. */
  #take(): Input[] {
    const taken = this.#inputs.slice(0, INPUTS_MAXIMUM);
    this.#inputs = this.#inputs.slice(INPUTS_MAXIMUM);
    const ready: Input[] = [];
    if (this.#fetched !== undefined) {
      this.#workingSet.end(this.#fetched.rows);
      ready.push(...this.#fetched.submissions);
      this.#fetched = undefined;
    }
    for (const input of taken) {
      if ('command' in input && this.#workingSet.missing(input.command).length > 0)
        this.#waiting.push(input);
      else ready.push(input);
    }
    this.#fetch();
    return ready;
  }

  #fetch(): void {
    if (this.#fetching !== undefined || this.#fetched !== undefined || this.#waiting.length === 0)
      return;
    const submissions = this.#waiting;
    this.#waiting = [];
    const keys = new Set(submissions.flatMap(({ command }) => [...loadsOf(command, this.#state)]));
    this.#workingSet.begin();
    this.#fetching = this.parts.store
      .readTasks([...keys])
      .then((rows) => {
        this.#fetching = undefined;
        this.#fetched = { rows, submissions };
        this.#wake();
      })
      .catch((error: unknown) => {
        this.#fetching = undefined;
        this.#die(error);
      });
  }

  #die(error: unknown): void {
    if (this.#life === 'dead') return;
    this.#life = 'dead';
    this.#timers.stop();
    this.parts.onFatal?.(error);
  }
}

export const createEngine = (parts: EngineParts): Engine => new SingleWriter(parts);
