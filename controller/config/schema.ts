/**
 * The configuration file's schema, and by it every setting there is. Each top-level key is also a
 * flag (`jobScheduleMinimumInterval` ↔ `--job-schedule-minimum-interval`) and an environment variable
 * (`BATCHYARD_JOB_SCHEDULE_MINIMUM_INTERVAL`); see `keys.ts`. Durations are ISO 8601 (`PT15S`).
 */
import * as z from 'zod';
import { parseTransferLimits } from '../../protocol/agent/transfers.js';
import { durationMs } from '../../protocol/time.js';

/** A duration in ISO 8601, kept as milliseconds. */
const duration = (minimumMs: number, maximumMs: number) =>
  z.string().transform((text, context) => {
    const ms = parseDuration(text);
    if (ms !== undefined && ms >= minimumMs && ms <= maximumMs) return ms;
    context.addIssue({
      code: 'custom',
      message: `allowed is an ISO 8601 duration from ${String(minimumMs)} to ${String(maximumMs)} ms, such as PT15S`,
    });
    return z.NEVER;
  });

function parseDuration(text: string): number | undefined {
  try {
    return durationMs(text);
  } catch {
    // Not a duration: the caller says what is allowed.
    return undefined;
  }
}

const DAY_MS = 24 * 60 * 60 * 1000;

export const Image = z
  .strictObject({
    publisher: z.string().min(1).max(64),
    offer: z.string().min(1).max(64),
    sku: z.string().min(1).max(64),
    version: z.string().min(1).max(64).default('latest'),
    nodeAgentSkuId: z.string().min(1).max(64),
    osType: z.enum(['linux', 'windows']).default('linux'),
    verificationType: z.enum(['verified', 'unverified']).default('unverified'),
    provider: z.enum(['process', 'libvirt']),
    /** libvirt: the qcow2 base image; with `kernel` and `initrd` it boots directly. */
    path: z.string().optional(),
    /** libvirt: where the qcow2 is imported from (file://, http://, https://), instead of `path`. */
    url: z
      .string()
      .regex(/^(file:\/\/\/|https?:\/\/[^\s/])/, 'allowed are file:///… and http(s):// URLs')
      .optional(),
    /** Of what `url` gives: 64 hexadecimal digits. */
    sha256: z
      .string()
      .regex(/^[0-9a-fA-F]{64}$/)
      .optional(),
    kernel: z.string().optional(),
    initrd: z.string().optional(),
    kernelArguments: z.string().optional(),
  })
  .refine(
    ({ provider, path, url }) =>
      provider !== 'libvirt' || (path === undefined) !== (url === undefined),
    {
      path: ['path'],
      message: 'a libvirt image has the path of its qcow2 file, or the url of one',
    },
  )
  .refine(({ url, version }) => url === undefined || version !== 'latest', {
    path: ['version'],
    message: 'an image with a url needs a version of its own: latest names the highest',
  });
export type Image = z.infer<typeof Image>;

const ImageName = z.strictObject({
  publisher: z.string().min(1).max(64),
  offer: z.string().min(1).max(64),
  sku: z.string().min(1).max(64),
  version: z.string().min(1).max(64).default('latest'),
});

export const VmSize = z.strictObject({
  name: z.string().min(1).max(64).toLowerCase(),
  vcpus: z.int().min(1).max(512),
  memoryMiB: z.int().min(64).max(16_777_216),
  diskGiB: z.int().min(1).max(65_536),
  /** Devices of the hypervisor that each node gets for itself, by kind: `{gpu: 1}`. */
  hostDevices: z.record(z.string().min(1).max(64), z.int().min(1).max(64)).optional(),
});
export type VmSize = z.infer<typeof VmSize>;

/** What nodes may take together; what is absent is not limited (or is found out, see there). */
const Capacity = z.strictObject({
  vcpus: z.int().min(0).max(1_000_000).optional(),
  memoryMiB: z.int().min(0).max(1_000_000_000).optional(),
  diskGiB: z.int().min(0).max(1_000_000_000).optional(),
});
const times = z.number().min(0.1).max(1_000);

/** A libvirt host that VM nodes are placed on. */
export const Hypervisor = z.strictObject({
  /** Names a folder and stands in nodes: it stays the same for as long as the hypervisor has nodes. */
  name: z
    .string()
    .max(64)
    .regex(/^[A-Za-z0-9][\w.-]*$/, 'allowed are letters, digits, dots, dashes and underscores')
    .default('local'),
  uri: z.string().default('qemu:///system'),
  /** `auto` finds out with a tiny guest whether kvm really works. */
  domainType: z.enum(['auto', 'kvm', 'qemu']).default('auto'),
  /** `user`: QEMU's user mode network; anything else names a libvirt network. */
  network: z.string().min(1).default('user'),
  /** User mode network: the address of the host at which ports lead to nodes; only this machine by default. */
  forwardAddress: z.ipv4().default('127.0.0.1'),
  /** The controller's URL as guests of this hypervisor reach it; by default found from the network. */
  controllerUrl: z.url().optional(),
  /** Where the disks of its nodes are kept; by default below the data folder. */
  diskDirectory: z.string().optional(),
  /** Instead: a storage pool of its libvirt (dir, fs or netfs), to which images are sent by libvirt itself. */
  storagePool: z
    .string()
    .max(128)
    .regex(
      /^[A-Za-z0-9][\w.+-]*$/,
      'allowed are letters, digits, dots, pluses, dashes and underscores',
    )
    .optional(),
  /** By default what libvirt says of the host, and the size of the file system of the disks. */
  capacity: Capacity.default({}),
  /** How many times the capacity is given away. Disks grow as they are written, vCPUs share cores. */
  overCommit: z
    .strictObject({ vcpus: times.default(4), memory: times.default(1), disk: times.default(10) })
    .default({ vcpus: 4, memory: 1, disk: 10 }),
  /** Pools may ask for them: `nodePlacementConfiguration.hypervisorLabels`. */
  labels: z.record(z.string().min(1).max(64), z.string().max(256)).default({}),
  /** Networks that pools may name there (last part of `subnetId`); absent: any. */
  networks: z.array(z.string().min(1).max(256)).max(100).optional(),
  /** PCI devices that are handed to nodes of sizes with `hostDevices`. */
  hostDevices: z
    .array(
      z.strictObject({
        kind: z.string().min(1).max(64).default('gpu'),
        address: z
          .string()
          .toLowerCase()
          .regex(
            /^[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$/,
            'allowed is such as 0000:3b:00.0',
          ),
      }),
    )
    .max(64)
    .default([]),
  /** Its nodes leave once their tasks have ended, and it takes no new ones. */
  maintenance: z.boolean().default(false),
  /** Nodes that it makes at a time; by default `limits.parallelNodeCreates`. */
  parallelNodeCreates: z.int().min(1).max(256).optional(),
});
export type Hypervisor = z.infer<typeof Hypervisor>;

const quota = z.int().min(0).optional();

/** Given to accounts that are made; absent: no limit. */
const Quotas = z.strictObject({
  dedicatedCores: quota,
  lowPriorityCores: quota,
  pools: quota,
  activeJobsAndSchedules: quota,
});

const Leases = z.strictObject({
  heartbeatInterval: duration(100, 10 * 60_000).default(5_000),
  /** How long a node may run tasks after the last heartbeat that was answered. */
  lease: duration(500, DAY_MS).default(30_000),
  /** What the controller waits beyond the lease before it gives tasks away again. */
  grace: duration(0, DAY_MS).default(10_000),
});

const transfers = z.string().transform((text, context) => {
  try {
    return parseTransferLimits(text);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  }
});

const Limits = z.strictObject({
  /** Nodes that one hypervisor (or the process provider) makes at a time, over all pools. */
  parallelNodeCreates: z.int().min(1).max(256).default(4),
  /** From the create to the first word of the node's agent. */
  nodeBootTimeout: duration(1_000, DAY_MS).default(10 * 60_000),
  /** From the request to stop a task to its node being given up. */
  taskStopTimeout: duration(1_000, DAY_MS).default(60_000),
  /** A task that was running at so many node deaths is quarantined. */
  nodeDeathsPerTask: z.int().min(1).max(1_000).default(5),
  /** One blob of the object store. */
  blobBytes: z.int().min(1).default(1_099_511_627_776),
  /** The last bytes of stdout.txt and stderr.txt that are kept when a node is gone; 0: none. */
  taskLogBytes: z
    .int()
    .min(0)
    .max(64 * 1024 * 1024)
    .default(2 * 1024 * 1024),
  /** How often they are copied while a task runs. */
  taskLogInterval: duration(100, DAY_MS).default(5_000),
  /** Signed URLs that tasks get for this controller's own storage. */
  storageUrlLifetime: duration(60_000, 90 * DAY_MS).default(7 * DAY_MS),
});

/** Whom tasks run as where the agent is root. */
const TaskUsers = z.strictObject({
  /**
   * Process nodes of a controller that is root. `isolated`: each node has a block of user numbers of its
   * own; `agent`: every task is root; `auto`: isolated where other users can pass the folders above `nodes`.
   */
  processNodes: z.enum(['auto', 'isolated', 'agent']).default('auto'),
  /** User and group numbers from here on; none below 0x70000000 is given by any usual tool. */
  first: z.int().min(1_000).max(0xff00_0000).default(0x7000_0000),
  /** For one node, for all its life: a number is never given twice. */
  perNode: z.int().min(1_024).max(0x100_0000).default(131_072),
  /** Process nodes at a time on this machine. */
  nodesMax: z.int().min(1).max(100_000).default(2_048),
});

const remote = {
  /** A backend that has not answered for so long is away: within the 30 s that clients wait. */
  answerLimit: duration(100, 5 * 60_000).default(15_000),
  /** Downloads are redirected to URLs of the backend, which nodes must then be able to reach. */
  directDownloads: z.boolean().default(false),
  directUrlLifetime: duration(1_000, 7 * DAY_MS).default(15 * 60_000),
};

/** Where files of accounts are kept. */
const Storage = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('disk') }),
  z
    .strictObject({
      kind: z.literal('s3'),
      bucket: z
        .string()
        .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'allowed is a name of a bucket'),
      /** In front of every key. */
      prefix: z.string().max(256).default(''),
      region: z.string().min(1).max(64).default('us-east-1'),
      /** Absent: Amazon's. */
      endpoint: z.url({ protocol: /^https?$/ }).optional(),
      /** The bucket in the path and not in the host's name; by default where there is an endpoint. */
      forcePathStyle: z.boolean().optional(),
      /** Absent: as the AWS clients find them (AWS_ACCESS_KEY_ID, profiles, instance roles). */
      accessKeyId: z.string().min(1).max(256).optional(),
      secretAccessKey: z.string().min(1).max(1024).optional(),
      ...remote,
    })
    .refine((s3) => (s3.accessKeyId === undefined) === (s3.secretAccessKey === undefined), {
      path: ['accessKeyId'],
      message: 'accessKeyId and secretAccessKey are given together or not at all',
    }),
  z.strictObject({
    kind: z.literal('azure-blob'),
    accountName: z.string().regex(/^[a-z0-9]{3,24}$/, 'allowed is the name of a storage account'),
    /** Base64; absent: the environment's AZURE_STORAGE_KEY. */
    accountKey: z.base64().min(1).max(1024).optional(),
    /** Absent: https://ACCOUNT.blob.core.windows.net. */
    endpoint: z.url({ protocol: /^https?$/ }).optional(),
    /** In front of every container's name. */
    containerPrefix: z
      .string()
      .regex(/^([a-z0-9]+-?)*$/, 'allowed are lower-case letters, digits and single dashes')
      .max(16)
      .default(''),
    ...remote,
  }),
]);
export type Storage = z.infer<typeof Storage>;

const Endpoint = z.string().transform((text, context) => {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:\s/[\]]+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match?.[1] === undefined || port > 65_535) {
    context.addIssue({
      code: 'custom',
      message: 'allowed is HOST:PORT with a port from 0 to 65535',
    });
    return z.NEVER;
  }
  return { host: match[1].replace(/^\[|\]$/g, ''), port };
});

const ACCOUNT_TEXT =
  'allowed is NAME=BASE64KEY with a name of 3 to 24 lower-case letters and digits and a key of 16 to 256 bytes';
const ConfiguredAccount = z.string().transform((text, context) => {
  const match = /^([a-z0-9]{3,24})=([A-Za-z0-9+/]+={0,2})$/.exec(text);
  const [name, key] = [match?.[1], match?.[2]];
  const bytes = key === undefined ? undefined : Buffer.from(key, 'base64');
  if (
    name === undefined ||
    key === undefined ||
    bytes?.toString('base64') !== key ||
    bytes.length < 16 ||
    bytes.length > 256
  ) {
    context.addIssue({ code: 'custom', message: ACCOUNT_TEXT });
    return z.NEVER;
  }
  return { name, key };
});

const Tls = z.strictObject({ certificateFile: z.string(), keyFile: z.string() });

/** Everything but `--config` itself. */
export const ConfigurationSchema = z.strictObject({
  data: z.string().min(1).max(4096),
  listen: Endpoint.default({ host: '127.0.0.1', port: 8480 }),
  tlsListen: Endpoint.optional(),
  tls: Tls.optional(),
  accounts: z.array(ConfiguredAccount).max(1000).default([]),
  adminToken: z
    .string()
    .regex(/^[\x21-\x7e]{8,1024}$/, 'allowed are 8 to 1024 visible ASCII characters')
    .optional(),
  /** Added to the embedded catalogue; one with the same names replaces the embedded one. */
  images: z.array(Image).max(1000).default([]),
  vmSizes: z.array(VmSize).max(1000).default([]),
  /** By osFamily; `*` is any other. */
  cloudServiceImages: z.record(z.string().min(1).max(16), ImageName).default({
    '*': { publisher: 'batchyard', offer: 'process', sku: 'local', version: 'latest' },
  }),
  quotas: Quotas.default({}),
  hypervisors: z
    .array(Hypervisor)
    .max(100)
    .refine(
      (all) => new Set(all.map(({ name }) => name)).size === all.length,
      'names must be distinct',
    )
    .refine(
      (all) => new Set(all.map(({ uri }) => uri)).size === all.length,
      'uris must be distinct',
    )
    .refine((all) => {
      const folders = all.flatMap(({ diskDirectory }) => diskDirectory ?? []);
      return new Set(folders).size === folders.length;
    }, 'each hypervisor needs a diskDirectory of its own')
    .refine(
      (all) =>
        all.every(
          ({ diskDirectory, storagePool }) =>
            diskDirectory === undefined || storagePool === undefined,
        ),
      'a hypervisor has either a diskDirectory or a storagePool',
    )
    .default([]),
  /** What process nodes may take of this machine together. */
  processNodes: Capacity.default({}),
  storage: Storage.default({ kind: 'disk' }),
  /** Storage of accounts is at `{account}.blob.{storageDomain}` too, and URLs of packages name it so. */
  storageDomain: z
    .string()
    .toLowerCase()
    .max(200)
    .regex(
      /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/,
      'allowed is the name of a domain',
    )
    .optional(),
  leases: Leases.default({ heartbeatInterval: 5_000, lease: 30_000, grace: 10_000 }),
  taskUsers: TaskUsers.prefault({}),
  jobScheduleMinimumInterval: duration(1_000, DAY_MS).default(60_000),
  /** How long an empty job with onAllTasksComplete terminatejob waits for its first task. */
  emptyJobDelay: duration(0, DAY_MS).default(15_000),
  autoScaleMinimumInterval: duration(5_000, DAY_MS).default(5 * 60_000),
  limits: Limits.default({
    parallelNodeCreates: 4,
    nodeBootTimeout: 600_000,
    taskStopTimeout: 60_000,
    nodeDeathsPerTask: 5,
    blobBytes: 1_099_511_627_776,
    taskLogBytes: 2 * 1024 * 1024,
    taskLogInterval: 5_000,
    storageUrlLifetime: 7 * DAY_MS,
  }),
  transfers: transfers.default({}),
  logLevel: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace']).default('info'),
});

/** The checked value; the catalogue's embedded entries included, `data` absolute. */
export type Configuration = z.infer<typeof ConfigurationSchema>;
export type ConfigurationKey = keyof Configuration;
