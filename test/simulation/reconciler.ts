import type { Event } from '../../controller/core/event.js';
import type { Node } from '../../controller/core/node/state.js';
import type { StateView } from '../../controller/engine/ports.js';
import { poolOf, type NodeKey, type PoolKey } from '../../protocol/keys.js';
import type { Timeline } from './clock.js';
import type { Canary } from './plant.js';
import { ProvisionError, type Hypervisor, type Listing } from './hypervisor.js';

export interface ReconcilerPorts {
  timeline: Timeline;
  hypervisor: Hypervisor;
  canary: Canary | undefined;
  view: () => StateView;
  report: (event: Event) => void;
  /** False once the controller that owns it is gone. */
  alive: () => boolean;
  /** Takes an error of the simulation itself. */
  broken: (error: unknown) => void;
}

const SWEEP_MS = 20_000;

/**
 * The executor of `reconcilePool` under the contract of core/effect.ts: reads what is wanted and what
 * is there, and does the difference. It dies with its controller in the middle of anything.
 */
export class SimulatedReconciler {
  readonly #busy = new Set<PoolKey>();
  readonly #again = new Set<PoolKey>();
  /** What was last told of each hypervisor. */
  readonly #told = new Map<string, string>();

  constructor(private readonly ports: ReconcilerPorts) {}

  start(): void {
    if (!this.ports.alive()) return;
    this.#sweep();
    this.ports.timeline.after(SWEEP_MS, () => this.start());
  }

  /** Looks at a pool soon; one that is being looked at is looked at once more. */
  wake(pool: PoolKey): void {
    if (this.#busy.has(pool)) {
      this.#again.add(pool);
      return;
    }
    this.#busy.add(pool);
    void this.#reconcile(pool)
      .catch(this.ports.broken)
      .finally(() => {
        this.#busy.delete(pool);
        if (this.#again.delete(pool) && this.ports.alive()) this.wake(pool);
      });
  }

  #sweep(): void {
    for (const pool of this.ports.view().pools.keys()) this.wake(pool);
    const { view, alive } = this.ports;
    void this.#look()
      .then(async ({ nodes }) => {
        for (const key of nodes.keys())
          if (alive() && !view().pools.has(poolOf(key))) await this.#destroy(key);
      })
      .catch(this.ports.broken);
  }

  async #reconcile(pool: PoolKey): Promise<void> {
    const { view, alive } = this.ports;
    const { nodes: listed, hypervisors } = await this.#look();
    if (!alive()) return;
    const away = new Set<string | undefined>(
      hypervisors.filter(({ reachable }) => !reachable).map(({ name }) => name),
    );
    const wanted = new Map([...view().nodesOfPool(pool)].map((node) => [node.key, node]));
    const work: Promise<unknown>[] = [];
    for (const key of listed.keys())
      if (poolOf(key) === pool && !wanted.has(key)) work.push(this.#destroy(key));
    for (const node of wanted.values())
      if (away.has(node.hypervisor)) this.#cannotMake(node);
      else work.push(this.#bring(node, listed.get(node.key)?.incarnation));
    await Promise.all(work);
  }

  /** Lists, and tells what is new of hypervisors. */
  async #look(): Promise<Listing> {
    const listing = await this.ports.hypervisor.list();
    for (const { name, reachable, vcpus } of listing.hypervisors) {
      const told = `${reachable} ${vcpus}`;
      if (this.#told.get(name) === told || !this.ports.alive()) continue;
      this.#told.set(name, told);
      const capacity = { vcpus: this.ports.canary === 'roomOvertold' ? vcpus * 2 : vcpus };
      this.ports.report({ type: 'hypervisorSeen', hypervisor: name, reachable, capacity });
    }
    return listing;
  }

  #cannotMake({ key: nodeKey, incarnation, ...node }: Readonly<Node>): void {
    if (node.leaving !== undefined || !mustBeMade(node) || !this.ports.alive()) return;
    const message = `hypervisor ${node.hypervisor ?? ''} does not answer`;
    const code = 'AllocationFailed';
    this.ports.report({ type: 'nodeProvisionFailed', nodeKey, incarnation, code, message });
  }

  async #bring(node: Readonly<Node>, present: number | undefined): Promise<void> {
    const { key: nodeKey, incarnation } = node;
    const report = (event: Event) => {
      if (this.ports.alive()) this.ports.report(event);
    };
    const going = node.leaving ?? node.preempting;
    if (going !== undefined && (node.leaving !== undefined || going.drained === true)) {
      if (going.drained !== true) return;
      if (await this.#destroy(nodeKey)) report({ type: 'nodeGone', nodeKey, incarnation });
      return;
    }
    if (node.state === 'preempted' && node.preempting === undefined) {
      if (present !== undefined) await this.#destroy(nodeKey);
      return;
    }
    const toMake = mustBeMade(node);
    if (present === incarnation) {
      if (toMake) report({ type: 'nodeProvisioned', nodeKey, incarnation });
      return;
    }
    if (!toMake) {
      if (present !== undefined && !(await this.#destroy(nodeKey))) return;
      return report({ type: 'nodeGone', nodeKey, incarnation });
    }
    await this.#make(node, present, report);
  }

  async #make(
    { key: nodeKey, incarnation, hypervisor }: Readonly<Node>,
    present: number | undefined,
    report: (event: Event) => void,
  ): Promise<void> {
    try {
      if (present !== undefined) await this.ports.hypervisor.destroy(nodeKey);
      if (!this.ports.alive()) return;
      await this.ports.hypervisor.create(nodeKey, incarnation, hypervisor);
      report({ type: 'nodeProvisioned', nodeKey, incarnation });
    } catch (error) {
      if (!(error instanceof ProvisionError)) throw error;
      const { code, message } = error;
      report({ type: 'nodeProvisionFailed', nodeKey, incarnation, code, message });
    }
  }

  /** Whether it is gone; a failure is tried again at the next sweep. */
  async #destroy(nodeKey: NodeKey): Promise<boolean> {
    if (!this.ports.alive()) return false;
    try {
      await this.ports.hypervisor.destroy(nodeKey);
      return true;
    } catch (error) {
      if (!(error instanceof ProvisionError)) throw error;
      return false;
    }
  }
}

const mustBeMade = ({ state }: Pick<Node, 'state'>) =>
  state === 'creating' || state === 'rebooting' || state === 'reimaging';
