/**
 * Makes the provider's nodes what the state says. Nothing is scripted: each run of a pool reads what
 * is wanted (the state) and what is there (the provider's list), and does the difference. So a
 * controller that died half-way through a create finds the half and goes on, an effect that comes
 * twice does nothing twice, and a node that died by itself is noticed by the next sweep. What one node needs
 * may take long (a create waits for its turn, or hangs): the others of its pool do not wait for it.
 */
import type { Event } from '../../core/event.js';
import type { Node } from '../../core/node/state.js';
import type { Pool } from '../../core/pool/state.js';
import type { StateView } from '../../engine/ports.js';
import type { NodeKey, PoolKey } from '../../../protocol/keys.js';
import { poolOf } from '../../../protocol/keys.js';
import type { Log } from '../log.js';
import { HypervisorWatch } from './hypervisor-watch.js';
import { Slots } from './slots.js';
import { NodeProvisionError } from './provider.js';
import type { NodeProvider, NodeSpecification, ProvidedNode } from './provider.js';

export interface ReconcilerPorts {
  view(): StateView;
  report(event: Event): void;
  /** The provider of a kind; rejects with NodeProvisionError where this controller has none. */
  provider(kind: NodeProvider['kind']): Promise<NodeProvider>;
  /** Names of the hypervisors that a provider is to tell of. */
  hypervisors(kind: NodeProvider['kind']): readonly string[];
  /** Those whose orphans can be looked for now. */
  openProviders(): readonly NodeProvider[];
  /** Image, size and seed of a node; throws NodeProvisionError for what is no longer offered. */
  specify(pool: Readonly<Pool>, node: Readonly<Node>): NodeSpecification;
  log: Log;
}

export interface ReconcilerOptions {
  /** Nodes that are made at a time on one hypervisor (undefined: where nothing is placed). */
  parallelCreates(hypervisor: string | undefined): number;
  sweepIntervalMs: number;
}

export class NodeReconciler {
  private readonly running = new Map<PoolKey, Promise<void>>();
  private readonly woken = new Set<PoolKey>();
  /** What is being done for nodes: nothing else is begun for one meanwhile. */
  private readonly busy = new Map<NodeKey, Promise<void>>();
  /** Busy nodes that a look came upon: their pool is looked at again when they are not. */
  private readonly passedOver = new Set<NodeKey>();
  private readonly slots = new Map<string | undefined, Slots>();
  private readonly hypervisors: HypervisorWatch;
  private timer: NodeJS.Timeout | undefined;
  private sweeping: Promise<void> | undefined;
  private stopped = false;

  constructor(
    private readonly ports: ReconcilerPorts,
    private readonly options: ReconcilerOptions,
  ) {
    this.hypervisors = new HypervisorWatch(ports);
  }

  /** Sweeps now and then in a period, until `stop`. */
  start(): void {
    this.sweep();
    this.timer = setInterval(() => {
      this.sweep();
    }, this.options.sweepIntervalMs);
  }

  /** Looks at one pool soon. A pool that is being looked at is looked at once more. */
  wake(poolKey: PoolKey): void {
    if (this.stopped) return;
    if (this.running.has(poolKey)) {
      this.woken.add(poolKey);
      return;
    }
    const run = this.runUntilQuiet(poolKey).finally(() => this.running.delete(poolKey));
    this.running.set(poolKey, run);
  }

  /** Takes on nothing more and waits for what is under way. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.sweeping;
    await Promise.all(this.running.values());
    await Promise.all(this.busy.values());
  }

  private async runUntilQuiet(poolKey: PoolKey): Promise<void> {
    do {
      this.woken.delete(poolKey);
      try {
        await this.reconcile(poolKey);
      } catch (error) {
        // The provider can't be asked now; the next sweep tries again.
        this.ports.log.warn(
          { err: error, pool: poolKey },
          'nodes of the pool could not be looked at',
        );
      }
    } while (this.woken.has(poolKey) && !this.stopped);
    this.woken.delete(poolKey);
  }

  private sweep(): void {
    if (this.sweeping !== undefined) return;
    this.sweeping = this.sweepOnce()
      .catch((error: unknown) => {
        this.ports.log.warn({ err: error }, 'the sweep over all pools failed');
      })
      .finally(() => {
        this.sweeping = undefined;
      });
  }

  /** Wakes every pool of the state, and those that only a provider still knows. */
  private async sweepOnce(): Promise<void> {
    for (const poolKey of this.ports.view().pools.keys()) this.wake(poolKey);
    for (const provider of this.ports.openProviders()) {
      for (const { nodeKey, hypervisor } of await this.list(provider)) {
        if (this.stopped || this.busy.has(nodeKey)) continue;
        if (this.ports.view().pools.has(poolOf(nodeKey))) continue;
        this.ports.log.info({ node: nodeKey }, 'destroys a node whose pool is gone');
        await this.destroyed(provider, { key: nodeKey, hypervisor }, 'remove');
      }
    }
  }

  private async reconcile(poolKey: PoolKey): Promise<void> {
    const pool = this.ports.view().pools.get(poolKey);
    if (pool === undefined) return;
    const provider = await this.providerOf(pool);
    if (provider === undefined) return;
    // What is done for these meanwhile, the list may tell or not.
    const busy = new Set(this.busy.keys());
    const listed = (await this.list(provider)).filter((node) => poolOf(node.nodeKey) === poolKey);
    // Read after the list, without waiting between: what was removed meanwhile is extra at once.
    const wanted = new Map(
      [...this.ports.view().nodesOfPool(poolKey)].map((node) => [node.key, node]),
    );
    if (this.stopped) return;
    const found = new Map<NodeKey, ProvidedNode[]>();
    for (const one of listed) found.set(one.nodeKey, [...(found.get(one.nodeKey) ?? []), one]);
    for (const key of new Set([...found.keys(), ...wanted.keys()])) {
      if (busy.has(key)) this.passedOver.add(key);
      else this.begin(key, this.reconcileNode(provider, pool, wanted.get(key), found.get(key)));
    }
  }

  /** Minds work for a node. When it is done its pool is looked at again, if a look came upon it meanwhile. */
  private begin(nodeKey: NodeKey, work: Promise<void>): void {
    const done = work
      .catch((error: unknown) => {
        this.ports.log.warn({ err: error, node: nodeKey }, 'the node could not be looked after');
      })
      .finally(() => {
        this.busy.delete(nodeKey);
        if (this.passedOver.delete(nodeKey)) this.wake(poolOf(nodeKey));
      });
    this.busy.set(nodeKey, done);
  }

  /** One node: what is found of it where it does not belong, and what is wanted where it does. */
  private async reconcileNode(
    provider: NodeProvider,
    pool: Readonly<Pool>,
    wanted: Readonly<Node> | undefined,
    found: readonly ProvidedNode[] = [],
  ): Promise<void> {
    const isHere = (one: ProvidedNode) => wanted !== undefined && isPlaced(wanted, one);
    const work: Promise<unknown>[] = found
      .filter((one) => !isHere(one))
      .map((one) => this.destroyed(provider, actualOf(one), 'remove'));
    if (wanted !== undefined) {
      const reason = this.hypervisors.whyAway(wanted.hypervisor, pool.nodeProvider);
      if (reason === undefined) work.push(this.bring(provider, pool, wanted, found.find(isHere)));
      else if (mustBeMade(wanted)) this.failed(wanted.key, wanted.incarnation, reason);
    }
    await Promise.all(work);
  }

  private async list(provider: NodeProvider): Promise<ProvidedNode[]> {
    const { nodes, hypervisors } = await provider.list();
    this.hypervisors.take(provider.kind, hypervisors);
    return nodes;
  }

  private async providerOf(pool: Readonly<Pool>): Promise<NodeProvider | undefined> {
    try {
      return await this.ports.provider(pool.nodeProvider);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.hypervisors.take(
        pool.nodeProvider,
        this.ports
          .hypervisors(pool.nodeProvider)
          .map((name) => ({ name, reachable: false, reason })),
      );
      for (const node of this.ports.view().nodesOfPool(pool.key)) {
        if (mustBeMade(node)) this.failed(node.key, node.incarnation, error);
        else if ((node.leaving ?? node.preempting)?.drained === true) this.gone(node);
      }
      return undefined;
    }
  }

  /** One node's difference between wanted and actual. */
  private async bring(
    provider: NodeProvider,
    pool: Readonly<Pool>,
    node: Readonly<Node>,
    actual: ProvidedNode | undefined,
  ): Promise<void> {
    if (isOnItsWay(node)) {
      // Its tasks are still being dealt with.
      if ((node.leaving ?? node.preempting)?.drained !== true) return;
      // Always asked: what is left of a node that died counts too.
      if (await this.destroyed(provider, node, 'remove')) this.gone(node);
      return;
    }
    if (node.state === 'preempted') {
      if (actual !== undefined) await this.destroyed(provider, actualOf(actual), 'remove');
      return;
    }
    const present = actual?.incarnation === node.incarnation && actual.state === 'running';
    if (mustBeMade(node)) {
      if (present) this.provisioned(node, actual);
      else await this.make(provider, pool, node, actual);
      return;
    }
    if (present) {
      if (node.hypervisor === undefined && actual.hypervisor !== undefined)
        this.provisioned(node, actual);
      this.tellStalled(node, actual);
      return;
    }
    // It died, or was never finished. Files are kept for the state to decide on.
    if (actual !== undefined && !(await this.destroyed(provider, node, 'keep'))) return;
    this.gone(node);
  }

  private async make(
    provider: NodeProvider,
    pool: Readonly<Pool>,
    node: Readonly<Node>,
    actual: ProvidedNode | undefined,
  ): Promise<void> {
    const { key, incarnation } = node;
    await this.slotsOf(node.hypervisor).with(async () => {
      // Time has passed in the queue: the node may not be wanted any more.
      const now = this.ports.view().nodes.get(key);
      if (this.stopped || now?.incarnation !== incarnation || !mustBeMade(now)) return;
      try {
        const specification = this.ports.specify(pool, now);
        if (actual !== undefined) {
          const disk = specification.disk === 'keep' ? 'keep' : 'remove';
          await provider.destroy(key, disk, actual.hypervisor);
        }
        await provider.create(specification);
        const made = (await this.list(provider)).find((other) => other.nodeKey === key);
        this.provisioned(now, made);
      } catch (error) {
        this.failed(key, incarnation, error);
      }
    });
  }

  private slotsOf(hypervisor: string | undefined): Slots {
    let slots = this.slots.get(hypervisor);
    if (slots === undefined) {
      slots = new Slots(this.options.parallelCreates(hypervisor));
      this.slots.set(hypervisor, slots);
    }
    return slots;
  }

  private provisioned(node: Readonly<Node>, actual: ProvidedNode | undefined): void {
    this.ports.report({
      type: 'nodeProvisioned',
      nodeKey: node.key,
      incarnation: node.incarnation,
      ...(actual?.ipAddress === undefined ? {} : { ipAddress: actual.ipAddress }),
      ...(actual?.hypervisor === undefined ? {} : { hypervisor: actual.hypervisor }),
      ...(actual?.forwards === undefined ? {} : { forwards: actual.forwards }),
    });
  }

  private tellStalled(
    { key, incarnation, errors }: Readonly<Node>,
    { stalled }: ProvidedNode,
  ): void {
    if ((stalled !== undefined) === errors.some(({ code }) => code === 'StorageFull')) return;
    this.ports.report({
      ...{ type: 'nodeStalled', nodeKey: key, incarnation },
      ...(stalled === undefined ? {} : { message: stalled }),
    });
  }

  private failed(nodeKey: NodeKey, incarnation: number, error: unknown): void {
    this.ports.log.warn({ err: error, node: nodeKey }, 'the node could not be made');
    this.ports.report({
      type: 'nodeProvisionFailed',
      nodeKey,
      incarnation,
      code: error instanceof NodeProvisionError ? error.code : 'AllocationFailed',
      message: error instanceof Error ? error.message : String(error),
    });
  }

  private gone(node: Readonly<Node>): void {
    this.ports.report({ type: 'nodeGone', nodeKey: node.key, incarnation: node.incarnation });
  }

  /** Whether it is gone; a failure is told and tried again at the next sweep. */
  private async destroyed(
    provider: NodeProvider,
    { key, hypervisor }: { key: NodeKey; hypervisor?: string | undefined },
    disk: 'remove' | 'keep',
  ): Promise<boolean> {
    try {
      await provider.destroy(key, disk, hypervisor);
      return true;
    } catch (error) {
      this.ports.log.warn({ err: error, node: key }, 'the node could not be destroyed');
      return false;
    }
  }
}

/** It is where it belongs; one without a place belongs where it is found. */
const isPlaced = (node: Readonly<Node>, { hypervisor }: ProvidedNode) =>
  hypervisor === undefined || node.hypervisor === undefined || node.hypervisor === hypervisor;

const isOnItsWay = ({ leaving, preempting }: Readonly<Node>) =>
  leaving !== undefined || preempting !== undefined;

const actualOf = ({ nodeKey, hypervisor }: ProvidedNode) => ({ key: nodeKey, hypervisor });

/** Its incarnation is to be brought to life. */
function mustBeMade(node: Readonly<Node>): boolean {
  if (node.leaving !== undefined) return false;
  return node.state === 'creating' || node.state === 'rebooting' || node.state === 'reimaging';
}
