import type { NodeKey } from '../../protocol/keys.js';
import type {
  Listing,
  NodeProvider,
  NodeSpecification,
  ProvidedNode,
} from '../../controller/effects/nodes/provider.js';

/** Nodes that are entries of a map: for tests of what is above a provider. */
export class FakeProvider implements NodeProvider {
  readonly kind = 'process';

  /** `nodes` is what outlives the provider, as disks and processes do. */
  constructor(readonly nodes = new Map<NodeKey, ProvidedNode>()) {}

  create({ nodeKey, incarnation }: NodeSpecification): Promise<void> {
    this.nodes.set(nodeKey, { nodeKey, incarnation, state: 'running' });
    return Promise.resolve();
  }

  destroy(nodeKey: NodeKey, disk: 'remove' | 'keep'): Promise<void> {
    const node = this.nodes.get(nodeKey);
    if (disk === 'remove') this.nodes.delete(nodeKey);
    else if (node !== undefined) this.nodes.set(nodeKey, { ...node, state: 'stopped' });
    return Promise.resolve();
  }

  list(): Promise<Listing> {
    return Promise.resolve({ nodes: [...this.nodes.values()], hypervisors: [] });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
