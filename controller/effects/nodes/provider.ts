import type { AccessRule } from '../../../protocol/agent/enrol.js';
import type { NodeKey } from '../../../protocol/keys.js';
import type { NodeForward } from '../../core/node/state.js';
import type { Capacity, VmSize } from '../../core/settings.js';

/** One incarnation of one node, as a provider is asked to bring it to life. */
export interface NodeSpecification {
  nodeKey: NodeKey;
  nodeId: string;
  poolId: string;
  account: string;
  incarnation: number;
  /** What its agent needs to call home (protocol/agent/enrol.ts); the provider adds `rootDirectory`. */
  seed: { controllerUrl: string; caPem?: string; token: string };
  vmSize: VmSize;
  image: {
    publisher: string;
    offer: string;
    sku: string;
    version: string;
    /** Instead of the four: the resource id of an imported image. */
    virtualMachineImageId?: string;
  };
  /** Where it is to be; absent: anywhere (where nothing is counted). */
  hypervisor?: string;
  /** Empty disks beside its own, in the order of their units. */
  dataDisks?: readonly { lun: number; sizeGiB: number }[];
  /** PCI addresses of the hypervisor's devices that it is given. */
  hostDevices?: readonly string[];
  /** reimage renews the disk, reboot keeps it; a first create makes a new one. */
  disk: 'new' | 'keep';
  /** The network that its pool names; absent: that of its hypervisor. */
  network?: string;
  /** Its pool asked for communication between nodes. */
  interNode?: boolean;
  /** Where the network lets nobody in, and the provider can open ports of the host. */
  forwards?: readonly WantedForward[];
  /** A node with a new disk goes on from a memory image of a guest of its kind, where the provider can. */
  resumed?: boolean;
}

export type { NodeForward };

/** A port of the node that is to be reached from outside, at one of a range of ports. */
export interface WantedForward {
  protocol: 'tcp' | 'udp';
  backendPort: number;
  range: readonly [number, number];
  preferred: number;
  /** Who may connect where the provider can tell; absent: everybody. */
  rules?: readonly AccessRule[];
}

export interface ProvidedNode {
  nodeKey: NodeKey;
  incarnation: number;
  state: 'running' | 'stopped';
  ipAddress?: string;
  /** Where it is. */
  hypervisor?: string;
  /** Ports of the host that lead to it. */
  forwards?: readonly NodeForward[];
  /** Why it runs and does nothing, and what helps. */
  stalled?: string;
}

/** The end of what a guest wrote on its console. */
export interface NodeConsole {
  text: Buffer;
  /** Bytes in front of it. */
  skipped: number;
}

/** What was found of one hypervisor. */
export interface HypervisorReport {
  name: string;
  reachable: boolean;
  /** Why not, and what helps. */
  reason?: string;
  /** What it has, over-commit apart. */
  capacity?: Capacity;
}

export interface Listing {
  /** Of those hypervisors that answered. One that exists twice is told twice. */
  nodes: ProvidedNode[];
  /** All of them; none where the provider has no such thing. */
  hypervisors: HypervisorReport[];
}

/**
 * A maker of nodes. Every verb is idempotent, and `list` tells only of what carries this controller's
 * mark, so that a controller that died half-way through leaves nothing that the next one can't find.
 */
export interface NodeProvider {
  readonly kind: 'process' | 'libvirt';
  /** Resolves when the node exists and boots; rejects with NodeProvisionError, having left nothing behind. */
  create(specification: NodeSpecification): Promise<void>;
  /**
   * Resolves when nothing of the node runs any more on the hypervisor (absent: on any); `disk: 'remove'`
   * leaves nothing at all, `'keep'` shuts down in order what still runs, so that the disk has all that was
   * written. Rejects where a hypervisor that was to be asked does not answer.
   */
  destroy(nodeKey: NodeKey, disk: 'remove' | 'keep', hypervisor?: string): Promise<void>;
  /** Resolves though hypervisors don't answer: it says which. */
  list(): Promise<Listing>;
  /** The last bytes of the node's console; undefined: there is none. Absent: nodes have no consoles. */
  console?(
    nodeKey: NodeKey,
    bytesMax: number,
    hypervisor?: string,
  ): Promise<NodeConsole | undefined>;
  /** Lets go of connections; nodes live on. */
  close(): Promise<void>;
}

/** `code` is one of the resize error codes of the contract, section 2.4 (AllocationFailed …). */
export class NodeProvisionError extends Error {
  constructor(
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'NodeProvisionError';
  }
}
