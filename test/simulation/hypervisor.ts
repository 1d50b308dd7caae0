import type { NodeKey } from '../../protocol/keys.js';
import { SimulatedAgent, type AgentPorts } from './agents.js';
import { chanceOf } from './options.js';

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

/**
 * A maker of nodes that lives apart from the controller: what it was asked to do goes on when the
 * asker dies. Verbs are idempotent; answers take time, get lost, or never were true.
 */
export class Hypervisor {
  readonly #nodes = new Map<NodeKey, SimulatedAgent>();

  constructor(private readonly ports: AgentPorts) {}

  get agents(): Iterable<SimulatedAgent> {
    return this.#nodes.values();
  }

  async create(nodeKey: NodeKey, incarnation: number): Promise<void> {
    const { random, faults } = this.ports;
    const hangs = random.chance(chanceOf(faults().createHangs));
    await this.#wait(hangs ? random.int(60_000, 400_000) : random.int(50, 3_000));
    const present = this.#nodes.get(nodeKey);
    if (present?.incarnation === incarnation) return;
    if (present !== undefined)
      throw new ProvisionError(
        'AllocationFailed',
        `node ${nodeKey} exists as ${present.incarnation}`,
      );
    if (random.chance(chanceOf(faults().createFails)))
      throw new ProvisionError('AllocationFailed', `node ${nodeKey} could not be made`);
    const agent = new SimulatedAgent(nodeKey, incarnation, this.ports);
    this.#nodes.set(nodeKey, agent);
    if (random.chance(chanceOf(faults().bootHangs))) agent.die();
    if (random.chance(chanceOf(faults().createAnswerLost)))
      throw new ProvisionError('AllocationFailed', `nobody knows whether node ${nodeKey} was made`);
  }

  async destroy(nodeKey: NodeKey): Promise<void> {
    const { random, faults } = this.ports;
    await this.#wait(random.int(5, 1_500));
    if (random.chance(chanceOf(faults().destroyFails)))
      throw new ProvisionError('DestroyFailed', `node ${nodeKey} could not be destroyed`);
    this.#nodes.get(nodeKey)?.die();
    this.#nodes.delete(nodeKey);
  }

  /** All nodes that exist, those whose agent never called too. */
  async list(): Promise<Map<NodeKey, number>> {
    await this.#wait(this.ports.random.int(1, 30));
    return new Map([...this.#nodes].map(([key, agent]) => [key, agent.incarnation]));
  }

  /** A node ends by itself; nothing of it is left. */
  kill(agent: SimulatedAgent): void {
    agent.die();
    if (this.#nodes.get(agent.nodeKey) === agent) this.#nodes.delete(agent.nodeKey);
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.ports.timeline.after(ms, resolve);
    });
  }
}
