/**
 * Nodes that are VMs: one transient libvirt domain a node, marked in its metadata as this controller's.
 * What is in which file: domain.ts the domain's XML and its mark, connection.ts the binding and dead
 * connections, host-files.ts disks and seeds, domain-type.ts kvm or qemu, agent-disk.ts what guests run.
 */
import type { NodeKey } from '../../../../protocol/keys.js';
import type { NodeProvider, NodeSpecification, ProvidedNode } from '../provider.js';
import { LibvirtHost } from './libvirt-host.js';
import type { HypervisorSettings, LibvirtOptions } from './libvirt-host.js';

export type { LibvirtImage } from './libvirt-host.js';

export class LibvirtNodeProvider implements NodeProvider {
  readonly kind = 'libvirt';
  private readonly hosts: readonly LibvirtHost[];

  /** @param hypervisors at least one; nodes are spread over them evenly */
  constructor(hypervisors: readonly HypervisorSettings[], options: LibvirtOptions) {
    if (hypervisors.length === 0) throw new Error('no hypervisor is configured for libvirt nodes');
    this.hosts = hypervisors.map((settings) => new LibvirtHost(settings, options));
  }

  async create(specification: NodeSpecification): Promise<void> {
    await (await this.place(specification.nodeKey)).create(specification);
  }

  /** Asked of every hypervisor: a node that is nowhere is destroyed. */
  async destroy(nodeKey: NodeKey, disk: 'remove' | 'keep'): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.destroy(nodeKey, disk)));
  }

  async list(): Promise<ProvidedNode[]> {
    return (await Promise.all(this.hosts.map((host) => host.list()))).flat();
  }

  async close(): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.close()));
  }

  /** Where the node is already (its disk may be kept there), else where the fewest nodes are. */
  private async place(nodeKey: NodeKey): Promise<LibvirtHost> {
    const lists = await Promise.all(
      this.hosts.map(async (host) => ({ host, nodes: await host.list() })),
    );
    const present = lists.find(({ nodes }) => nodes.some((node) => node.nodeKey === nodeKey));
    const emptiest = lists.reduce((best, other) =>
      other.nodes.length < best.nodes.length ? other : best,
    );
    return (present ?? emptiest).host;
  }
}
