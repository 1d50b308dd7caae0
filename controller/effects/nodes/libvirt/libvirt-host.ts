import { join } from 'node:path';
import type { Firewall, Seed } from '../../../../protocol/agent/enrol.js';
import { findImage } from '../../../../protocol/batch/image-reference.js';
import type { NodeKey } from '../../../../protocol/keys.js';
import type { Log } from '../../log.js';
import { NodeProvisionError } from '../provider.js';
import type { NodeConsole, NodeSpecification, ProvidedNode } from '../provider.js';
import { agentDisk } from './agent-disk.js';
import type { AgentFiles } from './agent-disk.js';
import { cloudDisk } from './cloud-disk.js';
import { LibvirtConnection } from './connection.js';
import { guestUrl } from './controller-url.js';
import { findDomainType } from './domain-type.js';
import {
  domainName,
  domainNamePrefix,
  domainXml,
  hostName,
  ownerOf,
  templateOf,
} from './domain.js';
import type { DomainDescription, DomainType } from './domain.js';
import type { HostFiles } from './host-files.js';
import type { NodeFiles } from './node-files.js';
import { openHostFiles, openPoolFiles } from './open-files.js';
import { forwardPorts } from './port-forward.js';
import { provisionError } from './provision-error.js';
import { checkDisk } from './qcow2.js';
import { shutDown } from './shut-down.js';
import { Single } from './single.js';
import { stalled } from './stalled.js';
import { Templates } from './template.js';
import type { Template } from './template.js';
import { Turns } from './turns.js';

/** As in the configuration's `hypervisors`. */
export interface HypervisorSettings {
  name: string;
  uri: string;
  domainType: 'auto' | DomainType;
  network: string;
  /** Where ports lead to nodes in user mode networking. */
  forwardAddress?: string | undefined;
  controllerUrl?: string | undefined;
  diskDirectory?: string | undefined;
  /** Of the hypervisor's libvirt, instead: for hypervisors that share no folder with this machine. */
  storagePool?: string | undefined;
}

/** As in the configuration's `images`. */
export interface LibvirtImage {
  publisher: string;
  offer: string;
  sku: string;
  version: string;
  /** Of an imported one. */
  imageName?: string | undefined;
  path?: string | undefined;
  kernel?: string | undefined;
  initrd?: string | undefined;
  kernelArguments?: string | undefined;
}

export interface LibvirtOptions {
  /** The mark on all that this controller makes; must outlive restarts. */
  controllerId: string;
  /** Absolute; disks and logs go below it unless a hypervisor says otherwise. */
  dataDirectory: string;
  images: readonly LibvirtImage[];
  /** Those that were imported while the controller ran. */
  imported?: () => readonly LibvirtImage[];
  agent: AgentFiles;
  /** How old the list of a storage pool's volumes may be. */
  volumeListMaxAgeMs?: number | undefined;
  log: Log;
}

/** AZ_BATCH_NODE_ROOT_DIR of a VM node, as on Azure's Linux nodes. */
const ROOT_DIRECTORY = '/mnt/batch/tasks';
/** A guest is its node's own: its tasks' users are accounts, with numbers that no image gives. */
const TASK_USERS = { kind: 'accounts', first: 0x7000_0000, count: 0x100_0000 } as const;
const KERNEL_ARGUMENTS = 'root=LABEL=root rw console=ttyS0 quiet net.ifnames=0';
/** For the initial RAM disk of the built image; QEMU's user mode network gives every guest the same. */
const USER_MODE_NETWORK = ' batchyard.ip=10.0.2.15/24,10.0.2.2,10.0.2.3';
/** Longer than any create of a healthy libvirt: beyond it the two traps of docs/libvirt.md are the likely cause. */
const SLOW_CREATE_MS = 5_000;

interface Described {
  description: DomainDescription;
  /** The image's disk, published. */
  base: string;
  /** Of the disk in it. */
  baseBytes: number;
  seed: Seed;
}

/** The nodes of this controller on one hypervisor. */
export class LibvirtHost {
  private readonly connection: LibvirtConnection;
  private readonly files: Single<NodeFiles>;
  private readonly domainType: Single<DomainType>;
  private readonly agentDisk: Single<string>;
  private readonly cloudDisk: Single<string>;
  private readonly templates: Templates;
  /** One verb a node at a time: a second create finds what the first one made. */
  private readonly turns = new Turns();
  private warnedOfSlowness = false;

  constructor(
    readonly settings: HypervisorSettings,
    private readonly options: LibvirtOptions,
  ) {
    this.connection = new LibvirtConnection(settings.uri);
    const folder = join(options.dataDirectory, 'libvirt', settings.name);
    const hostFiles = new Single(() => openHostFiles(this.filesOptions(folder)));
    const { storagePool } = settings;
    this.files = new Single<NodeFiles>(() =>
      storagePool === undefined
        ? hostFiles.get()
        : openPoolFiles(this.filesOptions(folder), storagePool),
    );
    this.domainType = new Single(() => this.findType(folder));
    const place = async (make: (workshop: HostFiles) => Promise<string>) =>
      (await this.files.get()).place(make);
    this.agentDisk = new Single(() => place((workshop) => agentDisk(workshop, options.agent)));
    this.cloudDisk = new Single(() => place(cloudDisk));
    this.templates = new Templates(this.connection, () => hostFiles.get(), options.log);
  }

  /** See NodeProvider. Whatever fails, nothing of a new node stays behind; a kept disk stays kept. */
  create(specification: NodeSpecification): Promise<void> {
    return this.turns.take(specification.nodeKey, () => this.createNow(specification));
  }

  destroy(nodeKey: NodeKey, disk: 'remove' | 'keep'): Promise<void> {
    return this.turns.take(nodeKey, () => this.destroyNow(nodeKey, disk));
  }

  private async createNow(specification: NodeSpecification): Promise<void> {
    const { nodeKey, incarnation } = specification;
    const name = domainName(this.options.controllerId, nodeKey);
    const owner = await this.ownerOf(name);
    if (owner?.incarnation === incarnation) return;
    if (owner !== undefined) await this.endDomain(name, specification.disk);
    try {
      const described = await this.describe(specification);
      if (!(await this.resume(specification, described, name))) {
        await this.prepare(specification, described);
        await this.start(name, described.description);
      }
      await this.forward(specification, described.description, name);
    } catch (error) {
      await this.destroyNow(nodeKey, specification.disk === 'keep' ? 'keep' : 'remove');
      throw await provisionError(specification, this.settings, () => this.files.get(), error);
    }
  }

  /** A node without its ports is a node still: what can't be opened is told and left out. */
  private async forward(
    { nodeKey, forwards = [] }: NodeSpecification,
    { network }: DomainDescription,
    domain: string,
  ): Promise<void> {
    if (network !== 'user') return;
    const { uri, forwardAddress: address = '127.0.0.1' } = this.settings;
    try {
      const opened = await forwardPorts({ uri, domain, address }, forwards);
      await (await this.files.get()).writeForwards(nodeKey, opened);
      if (opened.length === forwards.length) return;
      this.options.log.warn({ node: nodeKey, opened }, 'not all ports of the node are free');
    } catch (error) {
      this.options.log.warn({ err: error, node: nodeKey }, 'no ports lead to the node');
    }
  }

  private async destroyNow(nodeKey: NodeKey, disk: 'remove' | 'keep'): Promise<void> {
    const name = domainName(this.options.controllerId, nodeKey);
    const xml = await this.connection.find(name);
    if (xml !== undefined && ownerOf(xml)?.controllerId !== this.options.controllerId)
      throw new Error(`domain ${name} does not carry this controller's mark: it is left alone`);
    if (xml !== undefined) await this.endDomain(name, disk);
    await (await this.files.get()).release(nodeKey, disk);
  }

  private async endDomain(name: string, disk: 'new' | 'remove' | 'keep'): Promise<void> {
    if (disk === 'keep') await shutDown(this.connection, name, this.options.log);
    await this.connection.destroy(name);
  }

  /** What libvirt says of the machine, and the size of what holds the disks. */
  async capacity(): Promise<{ vcpus: number; memoryMiB: number; diskGiB: number }> {
    const { bytes } = await (await this.files.get()).room();
    const diskGiB = Math.floor(bytes / 1024 ** 3);
    return { ...(await this.connection.capacity()), diskGiB };
  }

  /** Domains that carry our mark run; a folder without a domain is a node that is stopped. */
  async list(): Promise<ProvidedNode[]> {
    const files = await this.files.get();
    // Folders first: one whose domain starts in between is then listed as running, not missed.
    const nodes = new Map<NodeKey, ProvidedNode>();
    for (const node of await files.list()) nodes.set(node.nodeKey, { ...node, state: 'stopped' });
    for (const { name, xml, paused } of await this.connection.list(
      domainNamePrefix(this.options.controllerId),
    )) {
      const owner = ownerOf(xml);
      if (templateOf(xml)?.controllerId === this.options.controllerId)
        await this.templates.removeLeftOver(name);
      if (owner?.controllerId !== this.options.controllerId) continue;
      const { nodeKey, incarnation } = owner;
      const forwards = await files.forwards(nodeKey);
      const why = paused ? await stalled(this.connection, files, name) : undefined;
      nodes.set(nodeKey, {
        ...{ nodeKey, incarnation, state: 'running', ...(forwards && { forwards }) },
        ...(why === undefined ? {} : { stalled: why }),
      });
    }
    return [...nodes.values()];
  }

  async console(nodeKey: NodeKey, bytesMax: number): Promise<NodeConsole | undefined> {
    return (await this.files.get()).console(nodeKey, bytesMax);
  }

  async close(): Promise<void> {
    await this.templates.close();
    await this.connection.close();
  }

  /** Whether the node goes on from a template; if not, nothing of it is there and it is to boot. */
  private async resume(
    specification: NodeSpecification,
    described: Described,
    name: string,
  ): Promise<boolean> {
    if (specification.resumed !== true || specification.disk === 'keep') return false;
    // A node's memory image has another head than its template's: it is written where it is restored.
    if (this.settings.storagePool !== undefined) return false;
    // A memory image knows the devices of the guest that it was made of.
    const { dataDisks = [], hostDevices = [] } = specification;
    if (dataDisks.length + hostDevices.length > 0) return false;
    const { description, base } = described;
    const { diskGiB } = specification.vmSize;
    const template = await this.templates.get({ description, base, diskGiB });
    if (template === undefined) return false;
    try {
      await this.prepare(specification, described, template);
      await this.templates.resume(template, description, name);
      return true;
    } catch (error) {
      this.options.log.warn(
        { err: error, node: specification.nodeKey },
        'the node could not be resumed: it boots',
      );
      return false;
    }
  }

  /** The node's domain, before any of its files is there. */
  private async describe(specification: NodeSpecification): Promise<Described> {
    const { nodeKey, incarnation, vmSize, seed } = specification;
    const image = this.imageOf(specification);
    const files = await this.files.get();
    const baseBytes = await checkDisk(image.path, this.settings.storagePool !== undefined);
    const [base, agent, type] = await Promise.all([
      files.publish(image.path),
      this.agentDisk.get(),
      this.domainType.get(),
    ]);
    const { controllerUrl, uri } = this.settings;
    const network = specification.network ?? this.settings.network;
    const { disk, seedFile, consoleLog } = files.node(nodeKey);
    const guestSeed: Seed = {
      controllerUrl: guestUrl(seed.controllerUrl, network, controllerUrl, uri),
      ...(seed.caPem === undefined ? {} : { caPem: seed.caPem }),
      nodeKey,
      incarnation,
      token: seed.token,
      rootDirectory: ROOT_DIRECTORY,
      ...(network === 'user' ? {} : { firewall: firewallOf(specification) }),
      hostName: hostName(specification.nodeId),
      taskUsers: TASK_USERS,
    };
    const description: DomainDescription = {
      controllerId: this.options.controllerId,
      nodeKey,
      incarnation,
      type,
      vcpus: vmSize.vcpus,
      memoryMiB: vmSize.memoryMiB,
      ...(image.kernel === undefined || image.initrd === undefined
        ? { cloudDisk: await this.cloudDisk.get() }
        : {
            boot: {
              kernel: await files.publish(image.kernel),
              initrd: await files.publish(image.initrd),
              arguments: `${image.kernelArguments ?? KERNEL_ARGUMENTS}${network === 'user' ? USER_MODE_NETWORK : ''}`,
            },
          }),
      disk,
      agentDisk: agent,
      seedFile,
      consoleLog,
      network,
      dataDisks: specification.dataDisks,
      hostDevices: specification.hostDevices,
    };
    return { description, base, baseBytes, seed: guestSeed };
  }

  /** The node's disk over the image's, or over its template's. */
  private async prepare(
    { nodeKey, incarnation, vmSize, disk, dataDisks = [] }: NodeSpecification,
    { base, baseBytes, seed }: Described,
    template?: Template,
  ): Promise<void> {
    const files = await this.files.get();
    await files.prepare(nodeKey, {
      ...{ incarnation, baseBytes, disk, dataDisks },
      base: template?.disk ?? base,
      diskGiB: vmSize.diskGiB,
      seed: JSON.stringify(seed),
      template: template?.key,
    });
  }

  private async start(name: string, description: DomainDescription): Promise<void> {
    const started = Date.now();
    await this.connection.create(name, domainXml(description));
    const milliseconds = Date.now() - started;
    if (milliseconds < SLOW_CREATE_MS || this.warnedOfSlowness) return;
    this.warnedOfSlowness = true;
    this.options.log.warn(
      { hypervisor: this.settings.name, milliseconds },
      'libvirt took long to start a domain; `batchyard doctor` knows two causes and their cures',
    );
  }

  private async ownerOf(name: string): Promise<{ incarnation: number } | undefined> {
    const xml = await this.connection.find(name);
    return xml === undefined ? undefined : ownerOf(xml);
  }

  private imageOf({ image }: NodeSpecification): LibvirtImage & { path: string } {
    const images = [...this.options.images, ...(this.options.imported?.() ?? [])];
    const usable = images.filter(({ path }) => path !== undefined);
    const found = findImage(usable, image);
    if (found?.path !== undefined) return { ...found, path: found.path };
    const wanted = image.virtualMachineImageId ?? imageName(image);
    const known = usable.map(imageName);
    throw new NodeProvisionError(
      'AllocationFailed',
      `image ${wanted} has no disk for VM nodes here; there are: ${known.join(', ') || 'none (npm run image:build makes one)'}`,
    );
  }

  private filesOptions(folder: string) {
    const { controllerId, imported, volumeListMaxAgeMs, log } = this.options;
    const images = () => [...this.options.images, ...(imported?.() ?? [])];
    return {
      ...this.settings,
      ...{ controllerId, folder, volumeListMaxAgeMs, log },
      sources: () =>
        images().flatMap(({ path, kernel, initrd }) =>
          [path, kernel, initrd].flatMap((file) => file ?? []),
        ),
      domains: async () => (await this.connection.list('')).map(({ xml }) => xml),
    };
  }

  private async findType(folder: string): Promise<DomainType> {
    const { domainType, name } = this.settings;
    if (domainType !== 'auto') return domainType;
    const files = await this.files.get();
    const image = this.options.images.find(({ kernel }) => kernel !== undefined);
    const kernel = image?.kernel === undefined ? undefined : await files.publish(image.kernel);
    const own = await files.probeFiles();
    const record = join(folder, 'domain-type.json');
    const finding = await findDomainType(this.connection, { files: own, kernel }, record);
    await own.close();
    this.options.log.info({ hypervisor: name, ...finding }, 'domain type found');
    return finding.type;
  }
}

/** On a network with others; in user mode nobody reaches the guest but by the ports that lead to it. */
const firewallOf = ({ interNode = false, forwards = [] }: NodeSpecification): Firewall => ({
  interNode,
  openPorts: forwards.map(({ protocol, backendPort, rules }) => ({
    ...{ protocol, port: backendPort },
    ...(rules && { rules: [...rules] }),
  })),
});

const imageName = (image: { publisher: string; offer: string; sku: string; version: string }) =>
  [image.publisher, image.offer, image.sku, image.version].join('/').toLowerCase();
