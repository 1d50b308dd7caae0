import { expect } from 'vitest';
import { cronCalendar } from '../../controller/config/cron-calendar.js';
import { batchAccountCreate } from '../../controller/commands/batch-account/create.js';
import { jobAdd } from '../../controller/commands/job/add.js';
import { poolAdd } from '../../controller/commands/pool/add.js';
import { taskAddCollection } from '../../controller/commands/task/add-collection.js';
import type { Effect } from '../../controller/core/effect.js';
import { invariants } from '../../controller/core/invariants.js';
import { DEFAULT_TIMES, type Settings } from '../../controller/core/settings.js';
import type { State } from '../../controller/core/state.js';
import type { Command } from '../../controller/engine/command.js';
import { createEngine, type Engine } from '../../controller/engine/engine.js';
import { JobAdd } from '../../protocol/batch/job.js';
import { PoolAdd } from '../../protocol/batch/pool.js';
import { TaskAdd } from '../../protocol/batch/task.js';
import type { AgentEvent, Outcome } from '../../protocol/agent/event.js';
import { accountKey, jobKey, poolKey, taskKey, type NodeKey } from '../../protocol/keys.js';
import { MemoryStore } from './memory-store.js';

export const ACCOUNT = accountKey('test');
const SETTINGS: Settings = {
  ...DEFAULT_TIMES,
  cron: cronCalendar(),
  images: [
    {
      publisher: 'batchyard',
      offer: 'process',
      sku: 'local',
      version: 'latest',
      nodeAgentSkuId: 'batch.node.process',
      osType: 'linux',
      verificationType: 'verified',
      nodeProvider: 'process',
    },
  ],
  vmSizes: [{ name: 'small', vcpus: 4, memoryMiB: 1024, diskGiB: 10 }],
};

/** One boot of a node as its agent and its provider see it. */
interface Boot {
  incarnation: number;
  sequence: number;
  held: Map<string, { taskKey: string; attempt: number }>;
}

/**
 * Plays provider and agents against a real engine: nodes boot at once; tries wait in `held` until a test
 * (or `auto`) ends them. Time stands still until `advance`.
 */
export class CoreDriver {
  /** True time; the controller's clock says so much more. */
  now = 1_700_000_000_000;
  wallAheadMs = 0;
  engine: Engine;
  state: State | undefined;
  fatal: unknown;
  readonly boots = new Map<NodeKey, Boot>();
  readonly removed: string[] = [];
  /** Set: every assigned try ends at once like this. */
  auto: ((taskKey: string, attempt: number) => Partial<Outcome> | undefined) | undefined;
  /** Provider answers; off: nodes stay `creating`. */
  provides = true;
  /** Agents do not hear or say anything. */
  silent = false;
  checks = true;
  #wakes = new Set<{ at: number; callback: () => void }>();
  #seed = 1;
  #session = 0;

  constructor(
    readonly store = new MemoryStore(),
    /** Those of the next `restart`. */
    public settings: Settings = SETTINGS,
  ) {
    this.engine = this.#makeEngine();
  }

  static async start(settings: Partial<Settings> = {}): Promise<CoreDriver> {
    const driver = new CoreDriver(new MemoryStore(), { ...SETTINGS, ...settings });
    await driver.engine.start();
    await driver.do(
      batchAccountCreate({
        name: 'test',
        subscriptionId: 's',
        resourceGroup: 'g',
        location: 'here',
        sealedKeys: { primary: 'p', secondary: 's' },
      }),
    );
    return driver;
  }

  #makeEngine(): Engine {
    return createEngine({
      store: this.store,
      clock: {
        now: () => this.now + this.wallAheadMs,
        monotonic: () => this.now,
        wakeAt: (at, callback) => {
          const wake = { at: at - this.wallAheadMs, callback };
          this.#wakes.add(wake);
          return () => this.#wakes.delete(wake);
        },
      },
      random: {
        next: () => ((this.#seed = (this.#seed * 16_807) % 2_147_483_647) - 1) / 2_147_483_646,
        hex: (bytes) => (this.#seed++).toString(16).padStart(bytes * 2, '0'),
      },
      effects: { perform: (effects) => effects.forEach((effect) => this.#perform(effect)) },
      settings: this.settings,
      onFatal: (error) => {
        this.fatal = error;
      },
      onTick: (state) => {
        this.state = state;
        if (this.checks) expect([...invariants(state)]).toEqual([]);
      },
    });
  }

  /** The controller dies and starts again on what was durable; nodes and agents live on. */
  async restart(): Promise<void> {
    this.#wakes.clear();
    this.engine = this.#makeEngine();
    await this.engine.start();
    for (const key of this.boots.keys()) this.connect(key);
    await this.rest();
  }

  async do<T>(command: Command<T>): Promise<T> {
    const reply = await this.engine.submit(command);
    await this.rest();
    return reply;
  }

  /** Until nothing is under way but time. */
  async rest(): Promise<void> {
    for (let turn = 0; turn < 3; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      if (this.fatal !== undefined) throw new Error('the engine died', { cause: this.fatal });
    }
  }

  async advance(ms: number): Promise<void> {
    const until = this.now + ms;
    for (;;) {
      const next = [...this.#wakes].sort((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > until) break;
      this.#wakes.delete(next);
      this.now = Math.max(this.now, next.at);
      if (!this.silent) this.heartbeats();
      next.callback();
      await this.rest();
    }
    this.now = until;
    if (!this.silent) this.heartbeats();
    await this.rest();
  }

  heartbeats(): void {
    for (const [nodeKey, { incarnation }] of this.boots)
      this.engine.report({ type: 'heartbeatReceived', nodeKey, incarnation, heartbeat: 1 });
  }

  #perform(effect: Effect): void {
    if (effect.type === 'reconcilePool') this.#reconcile(effect.poolKey);
    if (this.silent || !('nodeKey' in effect)) return;
    const boot = this.boots.get(effect.nodeKey);
    if (boot?.incarnation !== effect.incarnation) return;
    if (effect.type === 'configureNode') this.say(effect.nodeKey, { type: 'nodePrepared' });
    else if (effect.type === 'removeDirectories') this.removed.push(...effect.directories);
    else if (effect.type === 'sendAssignments')
      this.#assigned(effect.nodeKey, boot, effect.attempts);
    else if (effect.type === 'stopAttempts')
      for (const one of effect.attempts)
        if (boot.held.has(`${one.taskKey}#${one.attempt}`))
          this.end(effect.nodeKey, one, { stopped: true, exitCode: -9 });
  }

  #assigned(
    nodeKey: NodeKey,
    boot: Boot,
    attempts: readonly { taskKey: string; attempt: number }[],
  ): void {
    for (const one of attempts) boot.held.set(`${one.taskKey}#${one.attempt}`, one);
    const { auto } = this;
    if (auto === undefined) return;
    const events: AgentEvent[] = [];
    for (const one of attempts) {
      const outcome = auto(one.taskKey, one.attempt);
      if (outcome === undefined) continue;
      boot.held.delete(`${one.taskKey}#${one.attempt}`);
      events.push({
        type: 'attemptEnded',
        ...one,
        outcome: { startTime: this.now - 1, endTime: this.now, ...outcome },
      });
    }
    this.say(nodeKey, ...events);
  }

  #reconcile(pool: string): void {
    if (!this.provides) return;
    for (const [key] of this.boots)
      if (key.startsWith(`${pool}/`) && this.engine.view.nodes.get(key) === undefined)
        this.boots.delete(key);
    for (const node of this.engine.view.nodes.values()) {
      if (node.pool !== pool) continue;
      const { key: nodeKey, incarnation } = node;
      const boot = this.boots.get(nodeKey);
      if ((node.leaving ?? node.preempting)?.drained === true) {
        this.boots.delete(nodeKey);
        this.engine.report({ type: 'nodeGone', nodeKey, incarnation });
      } else if (boot?.incarnation !== incarnation && node.preempting === undefined) {
        if (node.state === 'preempted') continue;
        if (!['creating', 'rebooting', 'reimaging'].includes(node.state)) {
          this.engine.report({ type: 'nodeGone', nodeKey, incarnation });
          continue;
        }
        this.boots.set(nodeKey, { incarnation, sequence: 0, held: new Map() });
        this.engine.report({ type: 'nodeProvisioned', nodeKey, incarnation });
        this.connect(nodeKey, false);
      }
    }
  }

  /** The agent opens a link. */
  connect(nodeKey: NodeKey, configured = true): void {
    const boot = this.boots.get(nodeKey);
    if (boot === undefined) throw new Error(`no boot of ${nodeKey}`);
    this.#session += 1;
    this.engine.report({
      type: 'agentConnected',
      nodeKey,
      incarnation: boot.incarnation,
      sessionId: `session-${this.#session}`,
      agentVersion: '1',
      configured,
      held: [...boot.held.values()],
      remarks: [],
      lastSequence: 0,
    });
  }

  /** The agent reports. */
  say(nodeKey: NodeKey, ...events: AgentEvent[]): void {
    const boot = this.boots.get(nodeKey);
    if (boot === undefined || events.length === 0) return;
    this.engine.report({
      type: 'agentReported',
      nodeKey,
      incarnation: boot.incarnation,
      events: events.map((event) => ({ sequence: (boot.sequence += 1), event })),
    });
  }

  begin(nodeKey: NodeKey, one: { taskKey: string; attempt: number }): void {
    this.say(nodeKey, { type: 'attemptStarted', ...one, startTime: this.now });
  }

  end(
    nodeKey: NodeKey,
    one: { taskKey: string; attempt: number },
    outcome: Partial<Outcome> = { exitCode: 0 },
  ): void {
    this.boots.get(nodeKey)?.held.delete(`${one.taskKey}#${one.attempt}`);
    this.say(nodeKey, {
      type: 'attemptEnded',
      ...one,
      outcome: { startTime: this.now, endTime: this.now + 1, ...outcome },
    });
  }

  /** Tries that agents hold: node, task, attempt. */
  get held(): { nodeKey: NodeKey; taskKey: string; taskId: string; attempt: number }[] {
    return [...this.boots].flatMap(([nodeKey, boot]) =>
      [...boot.held.values()].map((one) => ({
        nodeKey,
        ...one,
        taskId: one.taskKey.slice(one.taskKey.lastIndexOf('/') + 1),
      })),
    );
  }

  holding(taskId: string): { nodeKey: NodeKey; taskKey: string; attempt: number } {
    const found = this.held.find((one) => one.taskId === taskId);
    if (found === undefined) throw new Error(`no agent holds ${taskId}`);
    return { nodeKey: found.nodeKey, taskKey: found.taskKey, attempt: found.attempt };
  }

  async beginTask(taskId: string): Promise<void> {
    const { nodeKey, ...one } = this.holding(taskId);
    this.begin(nodeKey, one);
    await this.rest();
  }

  async endTask(taskId: string, outcome?: Partial<Outcome>): Promise<void> {
    const { nodeKey, ...one } = this.holding(taskId);
    this.end(nodeKey, one, outcome);
    await this.rest();
  }

  async addPool(id: string, properties: Record<string, unknown> = {}): Promise<void> {
    const body = PoolAdd.parse({
      id,
      vmSize: 'small',
      virtualMachineConfiguration: {
        imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local' },
        nodeAgentSKUId: 'batch.node.process',
      },
      ...properties,
    });
    await this.do(poolAdd({ account: ACCOUNT, body }));
    await this.advance(10);
  }

  async addJob(id: string, properties: Record<string, unknown> = {}): Promise<void> {
    const body = JobAdd.parse({ id, poolInfo: { poolId: 'p' }, ...properties });
    await this.do(jobAdd({ account: ACCOUNT, body }));
  }

  async addTasks(jobId: string, ...tasks: (string | Record<string, unknown>)[]) {
    const value = tasks.map((task) =>
      TaskAdd.parse({
        commandLine: '/bin/true',
        ...(typeof task === 'string' ? { id: task } : task),
      }),
    );
    return this.do(taskAddCollection({ account: ACCOUNT, jobId, body: { value } }));
  }

  /** Durable rows. */
  pool = (id: string) => this.store.get('pool', poolKey(ACCOUNT, id));
  job = (id: string) => this.store.get('job', jobKey(ACCOUNT, id));
  task = (jobId: string, id: string) => this.store.get('task', taskKey(jobKey(ACCOUNT, jobId), id));
  nodes = (id: string) =>
    this.store.all('node').filter((node) => node.pool === poolKey(ACCOUNT, id));
}
