/** What a node's domain looks like to libvirt, and how it is known again. */
import { createHash } from 'node:crypto';
import type { NodeKey } from '../../../../protocol/keys.js';
import { dataDiskXml, hostDeviceXml } from './devices.js';
import type { DataDisk } from './devices.js';
import { attributesOf, element, text } from './xml.js';

export type DomainType = 'kvm' | 'qemu';

export interface DomainDescription {
  controllerId: string;
  nodeKey: NodeKey;
  incarnation: number;
  type: DomainType;
  vcpus: number;
  memoryMiB: number;
  /** Direct kernel boot; without it the disk's own boot loader starts. */
  boot?: { kernel: string; initrd: string; arguments: string };
  disk: string;
  /** The read-only disk with the agent, shared by all nodes. */
  agentDisk: string;
  /** What tells cloud-init to start the agent; absent where the image does so itself. */
  cloudDisk?: string | undefined;
  /** A file with the seed, put before the guest as the systemd credential `batchyard.seed`. */
  seedFile: string;
  consoleLog: string;
  /** `user`: QEMU's user mode network; anything else names a libvirt network. */
  network: string;
  dataDisks?: readonly DataDisk[] | undefined;
  /** PCI addresses of the host's devices that are the node's while it runs. */
  hostDevices?: readonly string[] | undefined;
}

const NAMESPACE = 'urn:batchyard:node:1';
const NAME_PREFIX = 'batchyard-';
/** The code that a guest under TCG keeps translated: 64 MiB cost no boot time and save 280 MiB of the host's memory. */
const TCG_CACHE_MIB = 64;
/** `tvmps-` and 64 bits of chance. */
const HOST_NAME_LENGTH = 22;
/** libvirt makes file names of domain names. */
const NAME_LENGTH_MAX = 160;

const digest = (value: string) => createHash('sha256').update(value).digest('hex').slice(0, 10);

/** Names of one controller's domains start with this. */
export const domainNamePrefix = (controllerId: string) => `${NAME_PREFIX}${digest(controllerId)}-`;

/** One name a node: libvirt itself then refuses a second domain of it. */
export function domainName(controllerId: string, nodeKey: NodeKey): string {
  const readable = nodeKey.replace(/[^a-z0-9]+/g, '-').slice(0, NAME_LENGTH_MAX);
  return `${domainNamePrefix(controllerId)}${readable}-${digest(nodeKey)}`;
}

/** What the guest calls itself: as much of the node's id as tells it from all others, in the letters of host names. */
export const hostName = (nodeId: string): string =>
  nodeId
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, HOST_NAME_LENGTH);

/** Whose node a domain is; undefined: not made by a controller of Batchyard. */
export function ownerOf(
  xml: string,
): { controllerId: string; nodeKey: NodeKey; incarnation: number } | undefined {
  const mark = attributesOf(xml, 'batchyard:node');
  if (mark === undefined || mark['xmlns:batchyard'] !== NAMESPACE) return undefined;
  const { controller, key, incarnation } = mark;
  if (controller === undefined || key === undefined || incarnation === undefined) return undefined;
  return { controllerId: controller, nodeKey: key as NodeKey, incarnation: Number(incarnation) };
}

/** Room in a template's XML: that of a node that is resumed from it goes in its place, with longer paths. */
const TEMPLATE_PADDING = '-'.repeat(3000);

/** Whose template a domain is; undefined: it is none. */
export function templateOf(xml: string): { controllerId: string } | undefined {
  const mark = attributesOf(xml, 'batchyard:template');
  if (mark?.['xmlns:batchyard'] !== NAMESPACE || mark['controller'] === undefined) return undefined;
  return { controllerId: mark['controller'] };
}

export const templateName = (controllerId: string, key: string) =>
  `${domainNamePrefix(controllerId)}template-${key}`;

/** A guest that waits to be saved: as a node's domain, but that it is nobody's node. */
export function templateXml(
  description: DomainDescription,
  { key, generation }: { key: string; generation: string },
): string {
  const own = element('batchyard:template', {
    'xmlns:batchyard': NAMESPACE,
    controller: description.controllerId,
    padding: TEMPLATE_PADDING,
  });
  return wholeDomain(description, templateName(description.controllerId, key), own, generation);
}

/** What tells a resumed node from its template and its siblings. */
export interface ResumedIdentity {
  uuid: string;
  /** The VM generation id: the guest's kernel renews its random pool when it has changed. */
  generation: string;
  macAddress: string;
}

/** The XML of a template as libvirt saved it, as that of a node with files and names of its own. */
export function resumedXml(
  saved: string,
  template: Pick<DomainDescription, 'disk' | 'seedFile' | 'consoleLog'>,
  node: DomainDescription,
  identity: ResumedIdentity,
): string {
  const name = domainName(node.controllerId, node.nodeKey);
  let xml = saved
    .replace(/<name>[^<]*<\/name>/, () => element('name', {}, text(name)))
    .replace(/<uuid>[^<]*<\/uuid>/, element('uuid', {}, identity.uuid))
    .replace(/<genid>[^<]*<\/genid>/, element('genid', {}, identity.generation))
    .replace(/<mac address=(['"])[^'"]*\1\/>/, element('mac', { address: identity.macAddress }))
    .replace(/<batchyard:template [^>]*\/>/, () => mark(node))
    // libvirt finds the chain of the new disk by itself.
    .replace(/<disk .*?<\/disk>/gs, (disk) =>
      disk.replace(/<backingStore\b.*<\/backingStore>|<backingStore\/>/s, ''),
    );
  for (const file of ['disk', 'seedFile', 'consoleLog'] as const)
    xml = xml.replaceAll(text(template[file]), () => text(node[file]));
  return xml;
}

/** The whole domain. Transient; a reboot from inside ends it, so that the reconciler sees it. */
export const domainXml = (description: DomainDescription): string =>
  wholeDomain(
    description,
    domainName(description.controllerId, description.nodeKey),
    mark(description),
  );

function wholeDomain(
  description: DomainDescription,
  name: string,
  metadata: string,
  generation?: string,
): string {
  const { type, vcpus, memoryMiB } = description;
  const tcg = element('tcg', {}, element('tb-cache', { unit: 'MiB' }, String(TCG_CACHE_MIB)));
  return element(
    'domain',
    { type },
    element('name', {}, text(name)),
    ...(generation === undefined ? [] : [element('genid', {}, generation)]),
    element('metadata', {}, metadata),
    element('memory', { unit: 'MiB' }, String(memoryMiB)),
    element('vcpu', {}, String(vcpus)),
    element('sysinfo', { type: 'fwcfg' }, credential(description.seedFile)),
    operatingSystem(description.boot),
    element('features', {}, element('acpi'), ...(type === 'qemu' ? [tcg] : [])),
    // All that can be emulated: programs for processors of this century need more than QEMU's own default has.
    element('cpu', { mode: type === 'kvm' ? 'host-passthrough' : 'maximum' }),
    element('clock', { offset: 'utc' }),
    element('on_poweroff', {}, 'destroy'),
    element('on_reboot', {}, 'destroy'),
    element('on_crash', {}, 'destroy'),
    devices(description),
  );
}

function mark({ controllerId, nodeKey, incarnation }: DomainDescription): string {
  return element('batchyard:node', {
    'xmlns:batchyard': NAMESPACE,
    controller: controllerId,
    key: nodeKey,
    incarnation,
  });
}

/** As a file: text of an OEM string would stand in QEMU's command line, for every user of the host to read. */
const credential = (seedFile: string) =>
  element('entry', { name: 'opt/io.systemd.credentials/batchyard.seed', file: seedFile });

function operatingSystem(boot: DomainDescription['boot']): string {
  const type = element('type', { arch: 'x86_64', machine: 'pc' }, 'hvm');
  if (boot === undefined) return element('os', {}, type, element('boot', { dev: 'hd' }));
  return element(
    'os',
    {},
    type,
    element('kernel', {}, text(boot.kernel)),
    element('initrd', {}, text(boot.initrd)),
    element('cmdline', {}, text(boot.arguments)),
  );
}

/** A node's own for all its life, so that it has one address after each boot. Unicast, of nobody's range. */
export function macAddress({
  controllerId,
  nodeKey,
}: Pick<DomainDescription, 'controllerId' | 'nodeKey'>): string {
  const bytes = digest(`${controllerId} ${nodeKey}`).match(/../g) ?? [];
  return ['52', ...bytes].join(':');
}

/** Read by every node; libvirt must not give it to the user of one of them. */
const sharedDisk = (file: string, device: string) =>
  element(
    'disk',
    { type: 'file', device: 'disk' },
    element('driver', { name: 'qemu', type: 'raw' }),
    element('source', { file }, element('seclabel', { model: 'dac', relabel: 'no' })),
    element('target', { dev: device, bus: 'virtio' }),
    element('readonly'),
    element('shareable'),
  );

function devices(description: DomainDescription): string {
  const { disk, agentDisk, consoleLog, network, dataDisks = [], hostDevices = [] } = description;
  return element(
    'devices',
    {},
    element(
      'disk',
      { type: 'file', device: 'disk' },
      // The host's power loss takes a node's disk with it; the node is made anew then anyway.
      element('driver', { name: 'qemu', type: 'qcow2', cache: 'unsafe', discard: 'unmap' }),
      element('source', { file: disk }),
      element('target', { dev: 'vda', bus: 'virtio' }),
    ),
    sharedDisk(agentDisk, 'vdb'),
    ...dataDiskXml(disk, dataDisks),
    ...(description.cloudDisk === undefined ? [] : [sharedDisk(description.cloudDisk, 'vdzz')]),
    ...hostDeviceXml(hostDevices),
    element(
      'interface',
      { type: network === 'user' ? 'user' : 'network' },
      ...(network === 'user' ? [] : [element('source', { network })]),
      // cloud-init writes it down at the first boot: with another one a guest has no network at the next.
      element('mac', { address: macAddress(description) }),
      element('model', { type: 'virtio' }),
      element('rom', { enabled: 'no' }),
    ),
    element(
      'serial',
      { type: 'file' },
      element('source', { path: consoleLog, append: 'on' }),
      element('target', { port: 0 }),
    ),
    element('rng', { model: 'virtio' }, element('backend', { model: 'random' }, '/dev/urandom')),
    element('memballoon', { model: 'none' }),
    element('controller', { type: 'usb', model: 'none' }),
  );
}
