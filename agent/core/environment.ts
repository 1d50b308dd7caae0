import type {
  AssignedApplicationPackage,
  Assignment,
  MultiInstance,
  NodeConfiguration,
  Program,
} from '../../protocol/agent/assignment.js';

/** What the node itself lends to every process: search path, home, language. */
export type NodeEnvironment = Readonly<Record<string, string>>;

/** Where one run of a task or start task lives, as absolute paths. */
export interface ProgramPlaces {
  rootDirectory: string;
  taskDirectory: string;
  workingDirectory: string;
  certificatesDirectory: string;
  /** Size of the file system that holds the node's root; each slot may count on its share. */
  diskBytes: number;
}

/** A setting that no process could be given. */
export class EnvironmentError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'EnvironmentError';
  }
}

/**
 * The environment of a process: the node's own, then the settings in their order, then the system
 * variables of the contract's section 7.5, which no setting replaces. Names of the oldest documents
 * stand beside the present ones.
 */
export function buildEnvironment(
  node: NodeEnvironment,
  configuration: NodeConfiguration,
  places: ProgramPlaces,
  program: Program | Assignment,
): Record<string, string> {
  const environment: Record<string, string> = { ...node };
  for (const { name, value } of program.environmentSettings) {
    if (name === '' || name.includes('=') || name.includes('\0') || (value ?? '').includes('\0')) {
      throw new EnvironmentError(
        `The environment setting ${JSON.stringify(name)} can't be set: a name is not empty and has no "=", and neither name nor value holds a NUL character.`,
      );
    }
    environment[name] = value ?? '';
  }
  return Object.assign(environment, systemVariables(configuration, places, program));
}

function systemVariables(
  configuration: NodeConfiguration,
  places: ProgramPlaces,
  program: Program | Assignment,
): Record<string, string> {
  const root = places.rootDirectory;
  const variables: Record<string, string> = {
    AZ_BATCH_ACCOUNT_NAME: configuration.accountName,
    AZ_BATCH_ACCOUNT_URL: configuration.accountUrl,
    AZ_BATCH_POOL_ID: configuration.poolId,
    AZ_BATCH_NODE_ID: configuration.nodeId,
    AZ_BATCH_NODE_IS_DEDICATED: String(configuration.isDedicated),
    AZ_BATCH_NODE_ROOT_DIR: root,
    AZ_BATCH_NODE_SHARED_DIR: `${root}/shared`,
    AZ_BATCH_NODE_STARTUP_DIR: `${root}/startup`,
    AZ_BATCH_NODE_MOUNTS_DIR: `${root}/fsmounts`,
    AZ_BATCH_TASK_DIR: places.taskDirectory,
    AZ_BATCH_TASK_WORKING_DIR: places.workingDirectory,
    AZ_BATCH_TASK_RESERVED_EPHEMERAL_DISK_SPACE_BYTES: String(
      Math.floor(places.diskBytes / configuration.taskSlotsPerNode),
    ),
    AZ_BATCH_CERTIFICATES_DIR: places.certificatesDirectory,
    // The oldest documents' names.
    AZ_BATCH_NODE_START_DIR: `${root}/startup`,
    AZ_BATCH_TASK_ROOT_DIR: places.taskDirectory,
    AZ_BATCH_NODE_TASK_DIR: places.taskDirectory,
    AZ_BATCH_NODE_TASK_WORKING_DIR: places.workingDirectory,
  };
  if ('taskId' in program) {
    variables.AZ_BATCH_JOB_ID = program.jobId;
    variables.AZ_BATCH_TASK_ID = program.taskId;
    if (program.jobPreparationDirectory !== undefined) {
      const directory = `${root}/${program.jobPreparationDirectory}`;
      variables.AZ_BATCH_JOB_PREP_DIR = directory;
      variables.AZ_BATCH_JOB_PREP_WORKING_DIR = `${directory}/wd`;
      // The oldest documents' names.
      variables.AZ_BATCH_NODE_JOB_PREP_DIR = directory;
      variables.AZ_BATCH_NODE_JOB_PREP_WORKING_DIR = `${directory}/wd`;
    }
    if (program.authenticationToken !== undefined) {
      variables.AZ_BATCH_AUTHENTICATION_TOKEN = program.authenticationToken;
    }
    if (program.multiInstance !== undefined)
      Object.assign(variables, groupVariables(root, program.multiInstance));
  }
  const packages = [
    ...(configuration.applicationPackages ?? []),
    ...(program.applicationPackages ?? []),
  ];
  for (const one of packages) Object.assign(variables, packageVariables(root, one));
  return variables;
}

/** The port that AZ_BATCH_MASTER_NODE names; nothing listens there but what the task starts. */
const MASTER_PORT = 6000;

/** What only parts of a multi-instance task get. */
function groupVariables(root: string, part: MultiInstance): Record<string, string> {
  const { hosts, coresPerHost, subtaskId, sharedDirectory } = part;
  return {
    AZ_BATCH_HOST_LIST: hosts.join(','),
    AZ_BATCH_NODE_LIST: hosts.join(';'),
    AZ_BATCH_MASTER_NODE: `${hosts[0] ?? ''}:${MASTER_PORT}`,
    AZ_BATCH_IS_CURRENT_NODE_MASTER: String(subtaskId === 0),
    AZ_BATCH_TASK_SHARED_DIR: `${root}/${sharedDirectory}`,
    CCP_NODES: [hosts.length, ...hosts.flatMap((host) => [host, coresPerHost])].join(' '),
  };
}

/** Where a package is unpacked. */
export const packageDirectory = (
  root: string,
  { applicationId, version }: { applicationId: string; version: string },
) => `${root}/applications/${applicationId}/${version}`;

/**
 * AZ_BATCH_APP_PACKAGE_{id}_{version}, and without the version for the default one. Characters that a
 * shell's names can't hold become underscores; each name comes in the case of its application and in
 * lower case, since the articles about it differ.
 */
function packageVariables(root: string, one: AssignedApplicationPackage): Record<string, string> {
  if ('problem' in one) return {};
  const names = [
    `${one.applicationId}_${one.version}`,
    ...(one.isDefault ? [one.applicationId] : []),
  ]
    .map((name) => name.replace(/[-.#]/g, '_'))
    .flatMap((name) => [name, name.toLowerCase()]);
  const directory = packageDirectory(root, one);
  return Object.fromEntries(names.map((name) => [`AZ_BATCH_APP_PACKAGE_${name}`, directory]));
}

/** Replaces `$NAME` and `${NAME}` in an output file's pattern; an unset name stays as it is written. */
export function expandVariables(
  text: string,
  environment: Readonly<Record<string, string>>,
): string {
  return text.replace(
    /\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))/g,
    (whole, braced?: string, bare?: string) => environment[braced ?? bare ?? ''] ?? whole,
  );
}
