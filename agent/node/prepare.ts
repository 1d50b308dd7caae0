import type { NodeConfiguration } from '../../protocol/agent/assignment.js';
import { installCertificates } from './certificates.js';
import { createNodeDirectories, shutNodeDirectories } from './directories.js';
import type { Users } from './users.js';

/** Makes the node's directories, users and certificates, in this order; awaits nothing without users' programs. */
export function prepareNode(
  rootDirectory: string,
  configuration: NodeConfiguration,
  users: Users,
): Promise<void> | void {
  createNodeDirectories(rootDirectory);
  const made = users.prepare(configuration);
  const finish = () => {
    if (users.groups !== undefined) shutNodeDirectories(rootDirectory, users.groups);
    installCertificates(rootDirectory, configuration.certificates, users.groups);
  };
  return made === undefined ? finish() : made.then(finish);
}
