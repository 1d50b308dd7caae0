import type { ContainerSettings } from '../../protocol/agent/assignment.js';
import { splitCommandLine } from './command-line.js';

/** Whom the container's program is, and where: all that `create` needs beside the environment. */
export interface ContainerPlace {
  rootDirectory: string;
  workingDirectory: string;
  uid: number;
  gid: number;
  /** Beside `gid`. */
  groups: readonly number[];
  /** Podman without root maps numbers: the caller's own stays itself. */
  keepsOwnNumber: boolean;
}

/** Every container of the agent carries these: leftovers are found by them. */
export const LABELS = {
  node: 'batchyard.node',
  job: 'batchyard.job',
  task: 'batchyard.task',
  attempt: 'batchyard.attempt',
} as const;

/**
 * The arguments of `docker create` (Podman takes the same): the node's root at its own path, the task's
 * user, the environment from files and by name, then the task's own options, which may replace ours, the
 * image and the command line. A container removes itself at its end, also when nobody is left to do it.
 * Throws CommandLineError on options or a command line that can't be split.
 */
export function createArguments(
  settings: ContainerSettings,
  commandLine: string,
  place: ContainerPlace,
  labels: Readonly<Record<string, string>>,
  environment: { file: string; byName: readonly string[] },
): string[] {
  const { imageName, containerRunOptions = '', workingDirectory } = settings;
  const options = containerRunOptions.trim() === '' ? [] : splitCommandLine(containerRunOptions);
  const command = commandLine.trim() === '' ? [] : splitCommandLine(commandLine);
  const root = place.rootDirectory;
  return [
    'create',
    '--rm',
    '--pull=never',
    '--log-driver=none',
    ...Object.entries(labels).map(([name, value]) => `--label=${name}=${value}`),
    `--mount=type=bind,${quoted(`source=${root}`)},${quoted(`target=${root}`)}`,
    `--user=${String(place.uid)}:${String(place.gid)}`,
    ...place.groups.map((group) => `--group-add=${String(group)}`),
    ...(place.keepsOwnNumber ? ['--userns=keep-id'] : []),
    ...(workingDirectory === 'containerImageDefault'
      ? []
      : [`--workdir=${place.workingDirectory}`]),
    `--env-file=${environment.file}`,
    ...environment.byName.map((name) => `--env=${name}`),
    ...options,
    imageName,
    ...command,
  ];
}

/** A field of the comma-separated values that `--mount` takes. */
const quoted = (field: string) =>
  /[",\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;

/** Longer lines are refused by the engines' readers of such files. */
const LINE_MAX = 60_000;
/** What the engine's own program would read for itself: never lent to it. */
const READ_BY_ENGINE =
  /^(PATH|HOME|TMPDIR|SSL_.*|.*_PROXY|.*_proxy|DOCKER_.*|CONTAINER.*|REGISTRY_.*|STORAGE_.*|BUILDAH_.*|XDG_.*|DBUS_.*|GO[A-Z]+|LD_.*|GLIBC_.*|MALLOC_.*|AZ_BATCH_(NODE_ROOT|TASK)_DIR)$/;

/** An environment that no container can be given so. */
export class ContainerEnvironmentError extends Error {
  constructor(name: string) {
    super(
      `The environment setting ${JSON.stringify(name)} can't be handed to a container: values with line breaks or of more than ${LINE_MAX} bytes are allowed for names only that the container engine doesn't read itself.`,
    );
    this.name = 'ContainerEnvironmentError';
  }
}

/**
 * The environment as the lines of a file, which is not seen in process lists; what lines can't hold is
 * handed on by name, from the environment of the engine's program. @throws ContainerEnvironmentError
 */
export function containerEnvironment(environment: Readonly<Record<string, string>>): {
  lines: string;
  byName: Record<string, string>;
} {
  let lines = '';
  const byName: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    const fits = /^[^\s#*]+$/.test(name) && !/[\r\n]/.test(value) && value.length < LINE_MAX;
    if (fits) lines += `${name}=${value}\n`;
    else if (READ_BY_ENGINE.test(name)) throw new ContainerEnvironmentError(name);
    else byName[name] = value;
  }
  return { lines, byName };
}
