import * as z from 'zod';
import { TransferLimits } from './transfers.js';

/** A file to put below the task's working directory before the process starts. */
export const AssignedResourceFile = z.object({
  /** One file (signed where needed), or … */
  httpUrl: z.string().optional(),
  /** … a container to list with the Blob REST API (`restype=container&comp=list`), signed where needed. */
  storageContainerUrl: z.string().optional(),
  blobPrefix: z.string().optional(),
  /** The file's path (httpUrl), or the folder the container's blobs go to. */
  filePath: z.string().optional(),
  fileMode: z.string().optional(),
});
export type AssignedResourceFile = z.infer<typeof AssignedResourceFile>;

export const AssignedOutputFile = z.object({
  filePattern: z.string(),
  /** Signed where needed; blobs are PUT at `{containerUrl}/{path}/{name}?{signature}`. */
  containerUrl: z.string(),
  path: z.string().optional(),
  uploadCondition: z.enum(['tasksuccess', 'taskfailure', 'taskcompletion']),
  uploadHeaders: z.array(z.object({ name: z.string(), value: z.string().optional() })).optional(),
});
export type AssignedOutputFile = z.infer<typeof AssignedOutputFile>;

const EnvironmentSetting = z.object({ name: z.string(), value: z.string().optional() });

/** A user account of the pool, on every node of it. */
export const AssignedUserAccount = z.object({
  name: z.string(),
  password: z.string(),
  elevationLevel: z.enum(['nonadmin', 'admin']),
  uid: z.int().optional(),
  gid: z.int().optional(),
  /** Only where the pool's nodes may talk to each other: its key pair goes into the user's `.ssh`. */
  sshPrivateKey: z.string().optional(),
});
export type AssignedUserAccount = z.infer<typeof AssignedUserAccount>;

export const UserIdentity = z.object({
  username: z.string().optional(),
  autoUser: z
    .object({ scope: z.enum(['task', 'pool']), elevationLevel: z.enum(['nonadmin', 'admin']) })
    .optional(),
});
export type UserIdentity = z.infer<typeof UserIdentity>;

const applicationId = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);
const version = z.string().regex(/^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$/);

/** A package to unpack into `applications/{id}/{version}`, or why the reference to it means nothing. */
export const AssignedApplicationPackage = z.union([
  z.object({
    applicationId,
    version,
    /** Of the zip file; signed. */
    url: z.string(),
    /** Base64: the file that was activated. */
    md5: z.string(),
    /** The default version of its application: its variable comes without the version, too. */
    isDefault: z.boolean(),
  }),
  z.object({ applicationId: z.string(), version: z.string().optional(), problem: z.string() }),
]);
export type AssignedApplicationPackage = z.infer<typeof AssignedApplicationPackage>;

/** A registry of container images; without a name and password it is open to all. */
export const ContainerRegistry = z.object({
  /** Absent: Docker's own. */
  registryServer: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  /** It names an identity of Azure, which no node has. */
  isAzureIdentity: z.boolean().optional(),
});
export type ContainerRegistry = z.infer<typeof ContainerRegistry>;

/** In which container a program runs. */
export const ContainerSettings = z.object({
  imageName: z.string(),
  containerRunOptions: z.string().optional(),
  registry: ContainerRegistry.optional(),
  workingDirectory: z.enum(['taskWorkingDirectory', 'containerImageDefault']).optional(),
});
export type ContainerSettings = z.infer<typeof ContainerSettings>;

/** What a node of a container pool has ready before its start task. */
export const ContainerPool = z.object({
  type: z.enum(['dockerCompatible', 'criCompatible']).default('dockerCompatible'),
  images: z.array(z.string()),
  registries: z.array(ContainerRegistry),
});
export type ContainerPool = z.infer<typeof ContainerPool>;

/** A file system to mount below `fsmounts/`, before the start task. */
export const AssignedMount = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('nfs'),
    path: z.string(),
    source: z.string(),
    options: z.string().optional(),
  }),
  z.object({
    kind: z.literal('cifs'),
    path: z.string(),
    source: z.string(),
    username: z.string(),
    password: z.string(),
    options: z.string().optional(),
  }),
  /** Blobs as files. */
  z.object({
    kind: z.literal('blob'),
    path: z.string(),
    accountName: z.string(),
    containerName: z.string(),
    accountKey: z.string().optional(),
    sasKey: z.string().optional(),
    isAzureIdentity: z.boolean().optional(),
    options: z.string().optional(),
  }),
]);
export type AssignedMount = z.infer<typeof AssignedMount>;

/** What a start task, job task or job manager task has in common on a node. */
export const Program = z.object({
  commandLine: z.string(),
  /** Job common settings, then the task's own: later ones win, system variables can't be replaced. */
  environmentSettings: z.array(EnvironmentSetting),
  resourceFiles: z.array(AssignedResourceFile),
  userIdentity: UserIdentity.optional(),
  /** The program's own, beside those of the node. */
  applicationPackages: z.array(AssignedApplicationPackage).optional(),
  container: ContainerSettings.optional(),
});
export type Program = z.infer<typeof Program>;

/** What makes an assignment one part of a multi-instance task's try. */
export const MultiInstance = z.object({
  /** 0: the primary, which runs the command line once told to proceed; others run nothing more. */
  subtaskId: z.int().min(0),
  coordinationCommandLine: z.string(),
  /** Go into `sharedDirectory` on every node. */
  commonResourceFiles: z.array(AssignedResourceFile),
  /** The task's own directory below the node's root: AZ_BATCH_TASK_SHARED_DIR. */
  sharedDirectory: z.string(),
  /** Addresses of all nodes, the primary's first. */
  hosts: z.array(z.string()).min(1),
  /** Processors of each of the nodes, for CCP_NODES. */
  coresPerHost: z.int().min(1),
});
export type MultiInstance = z.infer<typeof MultiInstance>;

/** One try of one task on one node. `taskKey` and `attempt` together are the fence: every report carries both. */
export const Assignment = Program.extend({
  taskKey: z.string(),
  attempt: z.int().min(1),
  jobId: z.string(),
  taskId: z.string(),
  /** Below the node's root: `workitems/{job}/job-1/{task}`. */
  directory: z.string(),
  /** 0 for job preparation and release tasks: they wait for nobody. */
  requiredSlots: z.int().min(0),
  outputFiles: z.array(AssignedOutputFile),
  /** Kills the try and ends it with TaskEnded; absent: no limit. */
  maxWallClockTimeMs: z.number().optional(),
  /** How long the task's directory stays after completion; absent: for ever. */
  retentionTimeMs: z.number().optional(),
  multiInstance: MultiInstance.optional(),
  /** AZ_BATCH_JOB_PREP_DIR: that of the job preparation task, below the node's root. */
  jobPreparationDirectory: z.string().optional(),
  /** The agent has begun it and asked for what it forgot of it: it never begins by this one. */
  again: z.literal(true).optional(),
  /** AZ_BATCH_AUTHENTICATION_TOKEN, where the task asks for one. */
  authenticationToken: z.string().optional(),
});
export type Assignment = z.infer<typeof Assignment>;

export const AssignedCertificate = z.object({
  thumbprint: z.string(),
  /** `pfx` comes with a password; `cer` without. */
  format: z.enum(['pfx', 'cer']),
  /** Base64. */
  data: z.string(),
  password: z.string().optional(),
  visibility: z.array(z.enum(['starttask', 'task', 'remoteuser'])),
});
export type AssignedCertificate = z.infer<typeof AssignedCertificate>;

/**
 * What a node is for one incarnation. Sent once after the link is up; the agent prepares the node in
 * this order: directories, users, certificates, mounts, container images, application packages, start
 * task. Only then may tasks run.
 */
export const NodeConfiguration = z.object({
  accountName: z.string(),
  /** The Batch endpoint as tasks reach it (AZ_BATCH_ACCOUNT_URL). */
  accountUrl: z.string(),
  poolId: z.string(),
  nodeId: z.string(),
  isDedicated: z.boolean(),
  taskSlotsPerNode: z.int().min(1),
  certificates: z.array(AssignedCertificate),
  /** The last bytes of outputs that are copied to the controller; absent: none. */
  logs: z.object({ bytesMax: z.int().min(1), intervalMs: z.number().min(1) }).optional(),
  /** Absent: what the agent's own environment says. */
  transfers: TransferLimits.optional(),
  userAccounts: z.array(AssignedUserAccount).optional(),
  /** Absent: the pool takes no tasks in containers. */
  containers: ContainerPool.optional(),
  mounts: z.array(AssignedMount).optional(),
  /** Of the pool: in place before the start task. */
  applicationPackages: z.array(AssignedApplicationPackage).optional(),
  startTask: Program.extend({
    maxTaskRetryCount: z.int().min(-1),
    waitForSuccess: z.boolean(),
  }).optional(),
});
export type NodeConfiguration = z.infer<typeof NodeConfiguration>;
