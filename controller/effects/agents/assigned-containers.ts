import type {
  AssignedMount,
  ContainerRegistry,
  ContainerSettings,
  NodeConfiguration,
  Program,
} from '../../../protocol/agent/assignment.js';
import type { Pool } from '../../core/pool/state.js';
import type { TaskBody } from '../../engine/ports.js';

type Specification = Readonly<Pool['specification']>;
type Settings = NonNullable<TaskBody['containerSettings']>;
type Mount = NonNullable<Specification['mountConfiguration']>[number];

/** In which container a program runs, as its node needs it; nothing where it runs on the node itself. */
export function assignedContainer(settings: Settings | undefined): Pick<Program, 'container'> {
  if (settings === undefined) return {};
  const { imageName, containerRunOptions, workingDirectory } = settings;
  const container: ContainerSettings = {
    imageName,
    ...(containerRunOptions === undefined ? {} : { containerRunOptions }),
    ...(settings.registry === undefined ? {} : { registry: registry(settings.registry) }),
    ...(workingDirectory === undefined ? {} : { workingDirectory }),
  };
  return { container };
}

/** What a container pool's nodes have ready; nothing for a pool that takes no containers. */
export function assignedContainers({
  virtualMachineConfiguration,
}: Specification): Pick<NodeConfiguration, 'containers'> {
  const wanted = virtualMachineConfiguration?.containerConfiguration;
  if (wanted === undefined) return {};
  const { type, containerImageNames: images = [], containerRegistries: registries = [] } = wanted;
  return { containers: { type, images, registries: registries.map(registry) } };
}

function registry(one: NonNullable<Settings['registry']>): ContainerRegistry {
  const { registryServer, username, password, identityReference } = one;
  return {
    ...(registryServer === undefined ? {} : { registryServer }),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(identityReference === undefined ? {} : { isAzureIdentity: true }),
  };
}

/** The file systems of a pool, in its order. */
export function assignedMounts({
  mountConfiguration,
}: Specification): Pick<NodeConfiguration, 'mounts'> {
  return mountConfiguration === undefined ? {} : { mounts: mountConfiguration.map(assignedMount) };
}

function assignedMount(mount: Mount): AssignedMount {
  const {
    nfsMountConfiguration: nfs,
    cifsMountConfiguration: cifs,
    azureFileShareConfiguration: share,
    azureBlobFileSystemConfiguration: blob,
  } = mount;
  if (nfs !== undefined)
    return {
      kind: 'nfs',
      path: nfs.relativeMountPath,
      source: nfs.source,
      ...options(nfs.mountOptions),
    };
  if (cifs !== undefined) {
    const { relativeMountPath: path, source, username, password, mountOptions } = cifs;
    return { kind: 'cifs', path, source, username, password, ...options(mountOptions) };
  }
  // A file share of Azure is reached by CIFS, with the account as user and its key as password.
  if (share !== undefined)
    return {
      kind: 'cifs',
      path: share.relativeMountPath,
      source: share.azureFileUrl.replace(/^https?:/i, '').replace(/\/+$/, ''),
      username: share.accountName,
      password: share.accountKey,
      ...options(share.mountOptions),
    };
  if (blob === undefined) throw new Error('a mount of a kind that the schema does not let in');
  return assignedBlobMount(blob);
}

function assignedBlobMount(
  blob: NonNullable<Mount['azureBlobFileSystemConfiguration']>,
): AssignedMount {
  const { relativeMountPath: path, accountName, containerName, accountKey, sasKey } = blob;
  return {
    kind: 'blob',
    path,
    accountName,
    containerName,
    ...(accountKey === undefined ? {} : { accountKey }),
    ...(sasKey === undefined ? {} : { sasKey }),
    ...(blob.identityReference === undefined ? {} : { isAzureIdentity: true }),
    ...options(blob.blobfuseOptions),
  };
}

const options = (text: string | undefined) => (text === undefined ? {} : { options: text });
