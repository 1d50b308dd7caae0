import type { Quotas } from './account/state.js';

/** What a node of a pool offers. Names are lower case, `standard_d1_v2`. */
export interface VmSize {
  name: string;
  vcpus: number;
  memoryMiB: number;
  diskGiB: number;
  /** Devices of the hypervisor that a node gets for itself, by kind: `{gpu: 1}`. */
  hostDevices?: Readonly<Record<string, number>> | undefined;
}

/** What nodes can be given of a hypervisor. A number that is absent is not limited. */
export interface Capacity {
  vcpus?: number | undefined;
  memoryMiB?: number | undefined;
  diskGiB?: number | undefined;
}

/** A place for nodes, as it is configured: a libvirt host, or this machine for process nodes. */
export interface Hypervisor {
  name: string;
  nodeProvider: 'process' | 'libvirt';
  /** Its provider tells whether it answers and what it has; until it did, nothing is placed there. */
  discovered: boolean;
  /** What the operator says it has; outweighs what the provider finds. */
  capacity: Capacity;
  /** How many times its capacity is given away. */
  overCommit: { vcpus: number; memory: number; disk: number };
  /** Pools may ask for some of these. */
  labels: Readonly<Record<string, string>>;
  /** Names of the networks that pools may ask for there; absent: any. */
  networks?: readonly string[] | undefined;
  /** Devices that nodes may be given, each to one node at a time. */
  hostDevices: readonly { kind: string; address: string }[];
  /** It takes no new nodes, and those that it has move away once their tasks are done. */
  maintenance: boolean;
}

/** As pools name an image. */
export interface ImageName {
  publisher: string;
  offer: string;
  sku: string;
  version: string;
}

/** An image that pools may name, with the provider that makes its nodes. */
export interface SupportedImage extends ImageName {
  nodeAgentSkuId: string;
  osType: 'linux' | 'windows';
  verificationType: 'verified' | 'unverified';
  nodeProvider: 'process' | 'libvirt';
}

/** Cron expressions, whose calendar (time zones, summer time) is not the core's. Deterministic. */
export interface CronCalendar {
  /** Why they can't be used; undefined where they can. */
  whyNot(
    expression: string,
    timeZone: string,
  ): { property: 'cronExpression' | 'timeZone'; reason: string } | undefined;
  /** The first run later than `after`, both epoch milliseconds; undefined: none in the next years. */
  next(expression: string, timeZone: string, after: number): number | undefined;
}

/** All that the core wants to know of the configuration; given once, when the engine starts. */
export interface Settings {
  images: readonly SupportedImage[];
  /** What nodes of pools with cloudServiceConfiguration run, by osFamily; `*`: any other. Absent: no such pools. */
  cloudServiceImages?: Readonly<Record<string, ImageName>>;
  vmSizes: readonly VmSize[];
  /** Absent, or none of a provider: its nodes are not counted, as many as are asked for fit. */
  hypervisors?: readonly Hypervisor[];
  heartbeatIntervalMs: number;
  /** How long an agent may run tasks after it sent a heartbeat that was answered. */
  leaseMs: number;
  /** What the controller waits beyond the lease before it gives a node's tasks away. */
  leaseGraceMs: number;
  /** From the provider's word to the agent's first connection; beyond it the node is unusable. */
  bootTimeoutMs: number;
  /** How long tasks of a leaving node may take to die before the node is destroyed over them. */
  stopTimeoutMs: number;
  /** Azure's is one minute; an operator may allow less. */
  jobScheduleMinimumIntervalMs: number;
  /** Azure's is five minutes; an operator may allow less. */
  autoScaleMinimumIntervalMs: number;
  /** Grace for adding the first task to a job with onAllTasksComplete=terminatejob. */
  emptyJobDelayMs: number;
  /** A task that was running at so many node deaths is not tried again. */
  nodeDeathsMaximum: number;
  /** First pause before a lost node is made again; doubles up to `nodeRetryMaximumMs`. */
  nodeRetryMs: number;
  nodeRetryMaximumMs: number;
  /** Absent: schedules with cron expressions are refused. */
  cron?: CronCalendar;
  /** Of accounts that are made without quotas of their own; absent: no limit. */
  quotas?: Quotas;
}

/** Everything but the catalogue, as the service comes. */
export const DEFAULT_TIMES: Omit<Settings, 'images' | 'vmSizes'> = {
  heartbeatIntervalMs: 5_000,
  leaseMs: 20_000,
  leaseGraceMs: 5_000,
  bootTimeoutMs: 10 * 60_000,
  stopTimeoutMs: 60_000,
  jobScheduleMinimumIntervalMs: 60_000,
  autoScaleMinimumIntervalMs: 5 * 60_000,
  emptyJobDelayMs: 15_000,
  nodeDeathsMaximum: 5,
  nodeRetryMs: 1_000,
  nodeRetryMaximumMs: 5 * 60_000,
};
