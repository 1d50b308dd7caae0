import type { NodeKey } from '../../protocol/keys.js';
import { NodeProvisionError } from '../../controller/effects/nodes/provider.js';
import type {
  Listing,
  NodeProvider,
  NodeSpecification,
  ProvidedNode,
} from '../../controller/effects/nodes/provider.js';

/** Nodes that are entries of a map, on as many hypervisors as wanted: for tests of what is above a provider. */
export class FakeProvider implements NodeProvider {
  readonly kind = 'process';
  /** Hypervisors that do not answer. */
  readonly away = new Set<string>();
  /** Creates under way now, and the most that ever were, by hypervisor. */
  readonly underWay = new Map<string, { now: number; most: number }>();
  /** Every verb but `list`, in order. */
  readonly verbs: string[] = [];
  /** How long a create takes. */
  createMs = 0;
  /** Creates that go on only after this. */
  readonly hanging = new Map<NodeKey, Promise<void>>();

  /**
   * @param nodes what outlives the provider, as disks and processes do, by hypervisor and key
   * @param hypervisors none: as of a provider that has no such thing
   */
  constructor(
    readonly nodes = new Map<string, ProvidedNode>(),
    private readonly hypervisors: readonly string[] = [],
  ) {}

  async create({ nodeKey, incarnation, hypervisor }: NodeSpecification): Promise<void> {
    const name = hypervisor ?? this.hypervisors[0] ?? '';
    const counts = this.underWay.get(name) ?? { now: 0, most: 0 };
    this.underWay.set(name, counts);
    counts.now += 1;
    counts.most = Math.max(counts.most, counts.now);
    await new Promise((resolve) => setTimeout(resolve, this.createMs));
    await this.hanging.get(nodeKey);
    counts.now -= 1;
    this.mustAnswer(name);
    this.verbs.push(`create ${nodeKey} on ${name}`);
    this.nodes.set(`${name}|${nodeKey}`, {
      nodeKey,
      incarnation,
      state: 'running',
      ...(name === '' ? {} : { hypervisor: name }),
    });
  }

  destroy(nodeKey: NodeKey, disk: 'remove' | 'keep', hypervisor?: string): Promise<void> {
    const names = hypervisor === undefined ? ['', ...this.hypervisors] : [hypervisor];
    for (const name of names) {
      this.mustAnswer(name);
      const node = this.nodes.get(`${name}|${nodeKey}`);
      if (node === undefined) continue;
      this.verbs.push(`destroy ${nodeKey} on ${name}`);
      if (disk === 'remove') this.nodes.delete(`${name}|${nodeKey}`);
      else this.nodes.set(`${name}|${nodeKey}`, { ...node, state: 'stopped' });
    }
    return Promise.resolve();
  }

  list(): Promise<Listing> {
    return Promise.resolve({
      nodes: [...this.nodes.values()].filter(({ hypervisor = '' }) => !this.away.has(hypervisor)),
      hypervisors: this.hypervisors.map((name) => ({ name, reachable: !this.away.has(name) })),
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private mustAnswer(name: string): void {
    if (this.away.has(name))
      throw new NodeProvisionError('AllocationFailed', `hypervisor ${name} does not answer`);
  }
}
