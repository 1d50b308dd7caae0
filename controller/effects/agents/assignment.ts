import type {
  AssignedCertificate,
  AssignedOutputFile,
  AssignedResourceFile,
  Assignment,
  NodeConfiguration,
} from '../../../protocol/agent/assignment.js';
import { certificateKey, type CertificateKey } from '../../../protocol/keys.js';
import type { Job } from '../../core/job/state.js';
import type { Node } from '../../core/node/state.js';
import type { Pool } from '../../core/pool/state.js';
import type { Task } from '../../core/task/state.js';
import type { StateView, TaskBody } from '../../engine/ports.js';
import { assignedContainer, assignedContainers, assignedMounts } from './assigned-containers.js';
import { assignedPackages } from './assigned-packages.js';
import { openSecrets } from './open-secrets.js';
import type { OwnStorage } from './own-storage.js';

type ResourceFile = NonNullable<TaskBody['resourceFiles']>[number];
type OutputFile = NonNullable<TaskBody['outputFiles']>[number];

/** One try of a task as its node needs it: URLs signed, settings merged. */
export function buildAssignment(
  task: Readonly<Task>,
  body: TaskBody,
  job: Readonly<Job>,
  storage: OwnStorage,
  tokenOf: () => string,
  view: StateView,
): Assignment {
  const references = body.applicationPackageReferences;
  const wantsToken = body.authenticationTokenSettings?.access?.includes('job') ?? false;
  return {
    taskKey: task.key,
    attempt: task.attempt,
    jobId: job.id,
    taskId: task.id,
    directory: `workitems/${job.folder}/${task.id}`,
    requiredSlots: task.requiredSlots,
    commandLine: body.commandLine,
    // The later of two settings of one name wins on the node: the task's own.
    environmentSettings: [
      ...(job.specification.commonEnvironmentSettings ?? []),
      ...(body.environmentSettings ?? []),
    ],
    resourceFiles: (body.resourceFiles ?? []).map((file) => resourceFile(file, storage)),
    outputFiles: (body.outputFiles ?? []).map((file) => outputFile(file, storage)),
    userIdentity: body.userIdentity,
    ...assignedContainer(body.containerSettings),
    ...(references === undefined
      ? {}
      : { applicationPackages: assignedPackages(view, job.account, references, storage) }),
    ...(task.maxWallClockTimeMs === undefined
      ? {}
      : { maxWallClockTimeMs: task.maxWallClockTimeMs }),
    ...(task.retentionTimeMs === undefined ? {} : { retentionTimeMs: task.retentionTimeMs }),
    ...jobPreparationDirectory(job),
    ...(wantsToken ? { authenticationToken: tokenOf() } : {}),
  };
}

/** What tasks of the job find in AZ_BATCH_JOB_PREP_DIR, below the node's root. */
export const jobPreparationDirectory = (
  job: Readonly<Job>,
): Pick<Assignment, 'jobPreparationDirectory'> => {
  const id = job.specification.jobPreparationTask?.id;
  return id === undefined ? {} : { jobPreparationDirectory: `workitems/${job.folder}/${id}` };
};

/** What a node is: its pool's part, its certificates opened, its start task. */
export function buildConfiguration(
  node: Readonly<Node>,
  pool: Readonly<Pool>,
  view: StateView,
  open: (sealed: string) => string,
  storage: OwnStorage,
  accountUrl: string,
  { logs, transfers }: Required<Pick<NodeConfiguration, 'logs' | 'transfers'>>,
): NodeConfiguration {
  const specification = openSecrets(open, pool.specification);
  const { startTask } = specification;
  return {
    accountName: view.accounts.get(pool.account)?.name ?? pool.account,
    accountUrl,
    poolId: pool.id,
    nodeId: node.id,
    isDedicated: node.isDedicated,
    taskSlotsPerNode: specification.taskSlotsPerNode,
    certificates: certificates(pool, view, open),
    ...(logs.bytesMax === 0 ? {} : { logs }),
    transfers,
    ...userAccounts(specification),
    ...assignedContainers(specification),
    ...assignedMounts(specification),
    applicationPackages: assignedPackages(
      view,
      pool.account,
      specification.applicationPackageReferences,
      storage,
    ),
    ...(startTask === undefined
      ? {}
      : {
          startTask: {
            commandLine: startTask.commandLine,
            environmentSettings: startTask.environmentSettings ?? [],
            resourceFiles: (startTask.resourceFiles ?? []).map((file) =>
              resourceFile(file, storage),
            ),
            userIdentity: startTask.userIdentity,
            ...assignedContainer(startTask.containerSettings),
            maxTaskRetryCount: startTask.maxTaskRetryCount,
            waitForSuccess: startTask.waitForSuccess,
          },
        }),
  };
}

/** Keys go to nodes that may reach each other, as the service documents it. */
function userAccounts(
  specification: Readonly<Pool>['specification'],
): Pick<NodeConfiguration, 'userAccounts'> {
  if (specification.userAccounts === undefined) return {};
  const accounts = specification.userAccounts.map((account) => {
    const { name, password, elevationLevel, linuxUserConfiguration: linux } = account;
    const { uid, gid, sshPrivateKey } = linux ?? {};
    return {
      name,
      password,
      elevationLevel,
      ...(uid === undefined || gid === undefined ? {} : { uid, gid }),
      ...(sshPrivateKey === undefined || !specification.enableInterNodeCommunication
        ? {}
        : { sshPrivateKey }),
    };
  });
  return { userAccounts: accounts };
}

/** One of each: stores, of which a certificate may be named in several, are all one directory here. */
function certificates(
  pool: Readonly<Pool>,
  view: StateView,
  open: (sealed: string) => string,
): AssignedCertificate[] {
  const visibility = new Map<CertificateKey, Set<AssignedCertificate['visibility'][number]>>();
  for (const reference of pool.specification.certificateReferences ?? []) {
    const { thumbprint, thumbprintAlgorithm } = reference;
    const key = certificateKey(pool.account, thumbprintAlgorithm, thumbprint);
    visibility.set(key, new Set([...(visibility.get(key) ?? []), ...reference.visibility]));
  }
  return [...visibility].map(([key, viewers]) => {
    const certificate = view.certificates.get(key);
    if (certificate === undefined)
      throw new Error(`certificate ${key} of pool ${pool.key} does not exist`);
    return {
      thumbprint: certificate.thumbprint,
      format: certificate.format,
      data: open(certificate.sealedData),
      ...(certificate.sealedPassword === undefined
        ? {}
        : { password: open(certificate.sealedPassword) }),
      visibility: [...viewers],
    };
  });
}

export function resourceFile(file: ResourceFile, storage: OwnStorage): AssignedResourceFile {
  const { autoStorageContainerName, storageContainerUrl, httpUrl, blobPrefix, filePath, fileMode } =
    file;
  const container =
    autoStorageContainerName !== undefined
      ? storage.container(autoStorageContainerName, 'rl')
      : storageContainerUrl !== undefined
        ? storage.reachable(storageContainerUrl, 'rl')
        : undefined;
  return {
    ...(httpUrl === undefined ? {} : { httpUrl: storage.reachable(httpUrl, 'r') }),
    ...(container === undefined ? {} : { storageContainerUrl: container }),
    ...(blobPrefix === undefined ? {} : { blobPrefix }),
    ...(filePath === undefined ? {} : { filePath }),
    ...(fileMode === undefined ? {} : { fileMode }),
  };
}

function outputFile(file: OutputFile, storage: OwnStorage): AssignedOutputFile {
  const { containerUrl, path, uploadHeaders } = file.destination.container;
  return {
    filePattern: file.filePattern,
    containerUrl: storage.reachable(containerUrl, 'w'),
    ...(path === undefined ? {} : { path }),
    uploadCondition: file.uploadOptions.uploadCondition,
    ...(uploadHeaders === undefined ? {} : { uploadHeaders }),
  };
}
