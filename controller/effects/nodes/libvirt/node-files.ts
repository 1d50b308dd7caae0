import type { NodeKey } from '../../../../protocol/keys.js';
import type { NodeConsole, NodeForward } from '../provider.js';
import type { DataDisk } from './devices.js';
import type { ProbeFiles } from './domain-type.js';
import type { HostFiles } from './host-files.js';

/** Paths of one node's files as QEMU opens them: on the hypervisor, wherever that is. */
export interface NodePaths {
  disk: string;
  consoleLog: string;
  seedFile: string;
}

/** What one boot of a node needs. */
export interface NodePlan {
  incarnation: number;
  /** The path of the published image (or template) that a new disk stands on. */
  base: string;
  /** Of the disk in the image: a node's is at least as large. */
  baseBytes: number;
  diskGiB: number;
  disk: 'new' | 'keep';
  dataDisks: readonly DataDisk[];
  seed: string;
  /** The key of the template that `base` belongs to. */
  template?: string | undefined;
}

/** How much there is where nodes' files are kept. */
export interface Room {
  /** For people: `storage pool "nodes" (/srv/nodes)`. */
  what: string;
  /** What is to be changed in the configuration for another place. */
  setting: 'diskDirectory' | 'storagePool';
  bytes: number;
  freeBytes: number;
}

/** Where the files of one hypervisor's nodes are: a folder of this machine, or a storage pool of the hypervisor. */
export interface NodeFiles {
  node(nodeKey: NodeKey): NodePaths;
  /** The file's content where QEMU can read it, once for all nodes; resolves to its path there. */
  publish(file: string): Promise<string>;
  /** The same of a file that is made on this machine first. */
  place(make: (workshop: HostFiles) => Promise<string>): Promise<string>;
  /** Disks and seed of a boot: new ones, or those that were kept. */
  prepare(nodeKey: NodeKey, plan: NodePlan): Promise<void>;
  /** Takes the seed away; `remove` takes everything. */
  release(nodeKey: NodeKey, disk: 'remove' | 'keep'): Promise<void>;
  /** Nodes that have files, domain or not. Incarnation 0: not known. */
  list(): Promise<{ nodeKey: NodeKey; incarnation: number }[]>;
  /** Ports of the hypervisor that lead to the node: kept for a controller that starts again. */
  writeForwards(nodeKey: NodeKey, forwards: readonly NodeForward[]): Promise<void>;
  forwards(nodeKey: NodeKey): Promise<readonly NodeForward[] | undefined>;
  /** The last bytes of the node's console; undefined: there is none that we can read. */
  console(nodeKey: NodeKey, bytesMax: number): Promise<NodeConsole | undefined>;
  /** As it is now; otherwise it may be a minute old. */
  room(now?: 'now'): Promise<Room>;
  /** What the guest that finds out the domain type needs; `close` takes it away. */
  probeFiles(): Promise<ProbeFiles & { close(): Promise<void> }>;
  /** Something that was thought to be there was not: it is looked at anew. */
  forget(): void;
}
