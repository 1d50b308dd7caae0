import { join } from 'node:path';
import type { Log } from '../../log.js';
import { NodeProvisionError } from '../provider.js';
import { isLocal } from './connection.js';
import { domainNamePrefix } from './domain.js';
import { HostFiles } from './host-files.js';
import type { NodeFiles } from './node-files.js';
import { PoolFiles } from './pool-files.js';
import { StoragePool } from './storage-pool.js';
import { Virsh, batchUri } from './virsh.js';

export interface FilesOptions {
  name: string;
  uri: string;
  diskDirectory?: string | undefined;
  storagePool?: string | undefined;
  controllerId: string;
  /** Of this hypervisor, below the data folder. */
  folder: string;
  sources: () => readonly string[];
  domains: () => Promise<readonly string[]>;
  volumeListMaxAgeMs?: number | undefined;
  log: Log;
}

/** The folder of this machine where nodes' files are. */
export function openHostFiles(options: FilesOptions): Promise<HostFiles> {
  const { name, uri, diskDirectory, controllerId, folder } = options;
  if (!isLocal(uri) && diskDirectory === undefined) {
    throw new NodeProvisionError(
      'AllocationFailed',
      `hypervisor ${name} at ${uri} is on another machine: name one of its storage pools as \`storagePool\` ` +
        '(its libvirt then keeps all files of nodes), or set `diskDirectory` to a folder that both machines have under the same path (such as an NFS mount)',
    );
  }
  return HostFiles.open({ configured: diskDirectory, fallback: folder, uri }, controllerId);
}

/** The storage pool of the hypervisor where nodes' files are; this machine only makes what is sent there. */
export async function openPoolFiles(options: FilesOptions, name: string): Promise<NodeFiles> {
  const { uri, controllerId, folder, sources, domains, log } = options;
  const prefix = domainNamePrefix(controllerId).replace(/-$/, '.');
  const pool = await StoragePool.open(new Virsh(batchUri(uri)), {
    name,
    prefix,
    folder: join(folder, 'transfer'),
    listMaxAgeMs: options.volumeListMaxAgeMs,
  });
  // No guest of this machine reads there: whoever may pass the data folder is of no matter.
  const workshop = await HostFiles.open(
    { configured: undefined, fallback: folder, uri: '' },
    controllerId,
  );
  return new PoolFiles({
    ...{ hypervisor: options.name, pool, prefix, workshop, folder, sources, domains, log },
  });
}
