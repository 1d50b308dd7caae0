import { lstatSync, symlinkSync } from 'node:fs';
import type { Assignment, NodeConfiguration, Program } from '../../protocol/agent/assignment.js';
import { buildEnvironment, type NodeEnvironment } from '../core/environment.js';
import { certificatesDirectory } from '../node/certificates.js';
import { replaceByLink } from '../node/directories.js';
import type { Users } from '../node/users.js';
import { handOver, handOverStartTask } from './ownership.js';
import type { Run } from './run-record.js';

/** What of a node decides whom its runs are and what they see. */
export interface RunAsContext {
  rootDirectory: string;
  /** What the node lends to every process; holds nothing of the agent's own. */
  environment: NodeEnvironment;
  diskBytes: number;
  hasCertificates: () => boolean;
  users: Users;
  /** setpriv's path; needed where `users` has any. */
  setpriv: string;
}

/** Elevated: root, with root's home. */
const ROOT = { HOME: '/root', USER: 'root', LOGNAME: 'root' };

/** Of the tasks that wait for no slot, the one that finds no directory of a preparation. */
export const isPreparation = (program: Program | Assignment) =>
  'requiredSlots' in program &&
  program.requiredSlots === 0 &&
  program.jobPreparationDirectory === undefined;

/** The environment of a run whose user is known, its certificates linked into its directory. */
export function environmentOf(
  run: Run,
  configuration: NodeConfiguration,
  context: RunAsContext,
): Record<string, string> {
  const { rootDirectory, diskBytes, environment, users } = context;
  const { taskDirectory, user, keepsLeftovers } = run;
  const certificates = `${taskDirectory}/certs`;
  if (context.hasCertificates()) {
    const target = certificatesDirectory(rootDirectory, keepsLeftovers ? 'starttask' : 'task');
    if (keepsLeftovers) replaceByLink(rootDirectory, target, certificates);
    else if (lstatSync(certificates, { throwIfNoEntry: false }) === undefined)
      symlinkSync(target, certificates);
  }
  const workingDirectory = `${taskDirectory}/wd`;
  const places = {
    rootDirectory,
    taskDirectory,
    workingDirectory,
    certificatesDirectory: certificates,
    diskBytes,
  };
  const elevated = users.groups === undefined ? {} : ROOT;
  const who =
    user === undefined
      ? elevated
      : { HOME: user.home ?? workingDirectory, USER: user.name, LOGNAME: user.name };
  // An image has a search path and a home of its own.
  const lent = run.program.container === undefined ? { ...environment, ...who } : {};
  return buildEnvironment(lent, configuration, places, run.program);
}

/** From here on the run's directory is its user's. */
export function handOverRun(run: Run, { rootDirectory, users }: RunAsContext): void {
  const { taskDirectory, user, part, keepsLeftovers, isReadable } = run;
  const { groups } = users;
  if (groups === undefined || part?.state === 'proceeded') return;
  if (keepsLeftovers) return handOverStartTask(taskDirectory, user, groups.node);
  if (user === undefined) return;
  const shared = part?.multiInstance.sharedDirectory;
  const top = shared === undefined ? taskDirectory : `${rootDirectory}/${shared}`;
  handOver(taskDirectory, top, user, isReadable ? groups.node : undefined);
}
