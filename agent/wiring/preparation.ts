import type { NodeConfiguration } from '../../protocol/agent/assignment.js';
import { MountFailed, type Mounts } from '../node/mounts.js';
import { prepareNode } from '../node/prepare.js';
import type { Users } from '../node/users.js';
import type { ApplicationPackages } from '../task/application-packages.js';
import type { Containers } from '../task/container/containers.js';
import { StepFailure } from '../task/failure.js';
import { textOf } from './log.js';

/** The parts of an agent that a node's configuration readies. */
export interface Prepared {
  rootDirectory: string;
  users: Users;
  mounts: Mounts;
  containers: Containers;
  packages: ApplicationPackages;
}

/**
 * Readies a node for its start task, in the order of the contract. Awaits nothing where only directories
 * are to be made: such a node is ready in the same turn.
 */
export async function prepare(
  configuration: NodeConfiguration,
  { rootDirectory, users, mounts, containers, packages }: Prepared,
): Promise<void> {
  const made = prepareNode(rootDirectory, configuration, users);
  if (made !== undefined) await made;
  const { mounts: wanted = [], containers: pool, applicationPackages = [] } = configuration;
  if (wanted.length > 0) await mounts.mount(wanted);
  if (pool !== undefined) await containers.prepare(pool);
  if (applicationPackages.length > 0) await packages.deploy(applicationPackages);
}

/** What is said of a node that could not be readied: the error of its `errors`. */
export function unusable(error: unknown): Pick<StepFailure, 'code' | 'message' | 'details'> {
  if (error instanceof StepFailure) return error;
  if (error instanceof MountFailed)
    return {
      code: 'MountConfigurationError',
      message: error.message,
      details: [
        { name: 'MountPath', value: error.path },
        { name: 'Message', value: error.reason },
      ],
    };
  const full = (error as NodeJS.ErrnoException).code === 'ENOSPC';
  return {
    code: full ? 'DiskFull' : 'NodePreparationError',
    message: `The node could not be prepared: ${textOf(error)}`,
    details: [],
  };
}
