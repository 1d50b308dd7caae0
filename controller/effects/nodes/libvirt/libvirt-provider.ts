/**
 * Nodes that are VMs: one transient libvirt domain a node, marked in its metadata as this controller's.
 * What is in which file: domain.ts the domain's XML and its mark, connection.ts the binding and dead
 * connections, host-files.ts disks and seeds, domain-type.ts kvm or qemu, agent-disk.ts what guests run.
 */
import type { NodeKey } from '../../../../protocol/keys.js';
import { NodeProvisionError } from '../provider.js';
import type { Listing, NodeConsole, NodeProvider, NodeSpecification } from '../provider.js';
import { LibvirtHost } from './libvirt-host.js';
import type { HypervisorSettings, LibvirtOptions } from './libvirt-host.js';
import { Watch } from './watch.js';

export type { LibvirtImage } from './libvirt-host.js';

export class LibvirtNodeProvider implements NodeProvider {
  readonly kind = 'libvirt';
  private readonly hosts: readonly LibvirtHost[];
  private readonly watches: readonly Watch[];

  /** @param hypervisors at least one, with distinct names; who is placed where is said with each create */
  constructor(hypervisors: readonly HypervisorSettings[], options: LibvirtOptions) {
    if (hypervisors.length === 0) throw new Error('no hypervisor is configured for libvirt nodes');
    this.hosts = hypervisors.map((settings) => new LibvirtHost(settings, options));
    this.watches = this.hosts.map((host) => new Watch(host));
  }

  async create(specification: NodeSpecification): Promise<void> {
    const { nodeKey, hypervisor } = specification;
    const host = hypervisor === undefined ? await this.anyHost(nodeKey) : this.host(hypervisor);
    await host.create(specification);
  }

  async destroy(nodeKey: NodeKey, disk: 'remove' | 'keep', hypervisor?: string): Promise<void> {
    // Of one that is no longer configured nothing can be said: its nodes must be able to leave their pools.
    const hosts = this.hosts.filter(
      ({ settings }) => hypervisor === undefined || settings.name === hypervisor,
    );
    await Promise.all(hosts.map((host) => host.destroy(nodeKey, disk)));
  }

  async list(): Promise<Listing> {
    const looks = await Promise.all(this.watches.map((watch) => watch.look()));
    return {
      nodes: looks.flatMap(({ nodes }) => nodes),
      hypervisors: looks.map(({ report }) => report),
    };
  }

  async console(
    nodeKey: NodeKey,
    bytesMax: number,
    hypervisor?: string,
  ): Promise<NodeConsole | undefined> {
    for (const host of this.hosts) {
      if (hypervisor !== undefined && host.settings.name !== hypervisor) continue;
      const found = await host.console(nodeKey, bytesMax);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  async close(): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.close()));
  }

  private host(name: string): LibvirtHost {
    const host = this.hosts.find(({ settings }) => settings.name === name);
    if (host !== undefined) return host;
    const known = this.hosts.map(({ settings }) => settings.name).join(', ');
    throw new NodeProvisionError(
      'AllocationFailed',
      `hypervisor ${name} is not configured any more (there are: ${known}): add it again, or remove its nodes from their pools`,
    );
  }

  /** Where the node is already (its disk may be kept there), else the first that answers. */
  private async anyHost(nodeKey: NodeKey): Promise<LibvirtHost> {
    const { nodes, hypervisors } = await this.list();
    const present = nodes.find((node) => node.nodeKey === nodeKey)?.hypervisor;
    const first = hypervisors.find(({ reachable }) => reachable)?.name;
    return this.host(present ?? first ?? hypervisors[0]?.name ?? '');
  }
}
