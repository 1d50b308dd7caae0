import type { NodeKey } from '../../protocol/keys.js';
import { SimulatedAgent, type AgentPorts } from './agents.js';
import { chanceOf } from './options.js';

/** The longest that a create hangs. */
export const HANG_MAX_MS = 400_000;

/** A provider's refusal; `code` is one of the resize error codes. */
export class ProvisionError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = 'ProvisionError';
  }
}

/** What a list tells: nodes of those hypervisors that answer, and which do not. */
export interface Listing {
  readonly nodes: ReadonlyMap<NodeKey, { incarnation: number; hypervisor: string | undefined }>;
  readonly hypervisors: readonly { name: string; reachable: boolean; vcpus: number }[];
}

interface Host {
  readonly name: string;
  vcpus: number;
  /** Nobody answers for it until then. */
  awayUntil: number;
}

/**
 * A maker of nodes on one or more hypervisors, that lives apart from the controller: what it was asked to
 * do goes on when the asker dies. Verbs are idempotent; answers take time, get lost, or never were true.
 */
export class Hypervisor {
  readonly #nodes = new Map<NodeKey, { agent: SimulatedAgent; host: string | undefined }>();
  readonly #hosts: readonly Host[];

  constructor(
    private readonly ports: AgentPorts,
    vcpus: Readonly<Record<string, number>>,
  ) {
    this.#hosts = Object.entries(vcpus).map(([name, count]) => {
      return { name, vcpus: count, awayUntil: -Infinity };
    });
  }

  get agents(): Iterable<SimulatedAgent> {
    return [...this.#nodes.values()].map(({ agent }) => agent);
  }

  /** Nodes that exist, by the hypervisor that has them. */
  get places(): Iterable<{ nodeKey: NodeKey; hypervisor: string | undefined }> {
    return [...this.#nodes].map(([nodeKey, { host }]) => ({ nodeKey, hypervisor: host }));
  }

  /** The operator adds machines: there is room for everything, and all of them answer. */
  enlarge(): void {
    for (const host of this.#hosts) {
      host.vcpus = 1_000_000;
      host.awayUntil = Math.min(host.awayUntil, this.ports.timeline.now);
    }
  }

  /** A hypervisor answers nothing for so long. Its nodes go on, are cut off with it, or die with it. */
  lose(ms: number): void {
    const { random, timeline } = this.ports;
    const host = random.pick([...this.#hosts]);
    if (host === undefined) return;
    this.ports.happened('hypervisorLost');
    host.awayUntil = timeline.now + ms;
    const fate = random.pick(['go on', 'cut off', 'die']);
    for (const { agent, host: name } of [...this.#nodes.values()]) {
      if (name !== host.name) continue;
      if (fate === 'cut off') agent.cutOff(ms);
      if (fate === 'die') this.kill(agent);
    }
  }

  async create(
    nodeKey: NodeKey,
    incarnation: number,
    hypervisor: string | undefined,
  ): Promise<void> {
    const { random, faults, happened } = this.ports;
    const hangs = random.chance(chanceOf(faults().createHangs));
    if (hangs) happened('createHung');
    await this.#wait(hangs ? random.int(60_000, HANG_MAX_MS) : random.int(50, 3_000));
    this.#mustAnswer(hypervisor);
    const present = this.#nodes.get(nodeKey)?.agent;
    if (present?.incarnation === incarnation) return;
    if (present !== undefined)
      throw new ProvisionError(
        'AllocationFailed',
        `node ${nodeKey} exists as ${present.incarnation}`,
      );
    if (random.chance(chanceOf(faults().createFails))) {
      happened('createFailed');
      throw new ProvisionError('AllocationFailed', `node ${nodeKey} could not be made`);
    }
    const agent = new SimulatedAgent(nodeKey, incarnation, this.ports);
    this.#nodes.set(nodeKey, { agent, host: hypervisor });
    if (random.chance(chanceOf(faults().bootHangs))) {
      happened('bootHung');
      agent.die();
    }
    if (random.chance(chanceOf(faults().createAnswerLost))) {
      happened('createAnswerLost');
      throw new ProvisionError('AllocationFailed', `nobody knows whether node ${nodeKey} was made`);
    }
  }

  async destroy(nodeKey: NodeKey): Promise<void> {
    const { random, faults } = this.ports;
    await this.#wait(random.int(5, 1_500));
    const present = this.#nodes.get(nodeKey);
    this.#mustAnswer(present?.host);
    if (random.chance(chanceOf(faults().destroyFails))) {
      this.ports.happened('destroyFailed');
      throw new ProvisionError('DestroyFailed', `node ${nodeKey} could not be destroyed`);
    }
    present?.agent.die();
    this.#nodes.delete(nodeKey);
  }

  /** All nodes that exist where somebody answers, those whose agent never called too. */
  async list(): Promise<Listing> {
    await this.#wait(this.ports.random.int(1, 30));
    const nodes = [...this.#nodes]
      .filter(([, { host }]) => this.answers(host))
      .map(
        ([key, { agent, host }]) =>
          [key, { incarnation: agent.incarnation, hypervisor: host }] as const,
      );
    return {
      nodes: new Map(nodes),
      hypervisors: this.#hosts.map(({ name, vcpus }) => {
        return { name, vcpus, reachable: this.answers(name) };
      }),
    };
  }

  /** A node ends by itself; nothing of it is left. */
  kill(agent: SimulatedAgent): void {
    agent.die();
    if (this.#nodes.get(agent.nodeKey)?.agent === agent) this.#nodes.delete(agent.nodeKey);
  }

  vcpusOf(name: string): number {
    return this.#hosts.find((one) => one.name === name)?.vcpus ?? Infinity;
  }

  /** False while the hypervisor is away. */
  answers(name: string | undefined, forMs = 0): boolean {
    const host = this.#hosts.find((one) => one.name === name);
    return host === undefined || host.awayUntil + forMs <= this.ports.timeline.now;
  }

  #mustAnswer(name: string | undefined): void {
    if (!this.answers(name))
      throw new ProvisionError('AllocationFailed', `hypervisor ${name ?? ''} does not answer`);
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.ports.timeline.after(ms, resolve);
    });
  }
}
