import type { AssignedMount } from '../../protocol/agent/assignment.js';

/** A call of mount(8), but for the place where it mounts. */
export interface MountCall {
  type: 'nfs' | 'cifs';
  source: string;
  /** In the order in which mount applies them: the pool's own come last and win. */
  options: string[];
  /** Lines of a file for root alone, whose path `credentials=` names; absent: nothing is secret. */
  credentials?: string;
}

/** What can't be mounted; `secret` says nothing of passwords. */
export class MountError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MountError';
  }
}

/** Control characters would end a line of the credentials file and begin another. */
const CONTROL = /[\0\r\n]/;

/**
 * How one entry of a pool's mountConfiguration is mounted on Linux. `mountOptions` are given as people
 * write them for the mount command, `-o a,b` or `a,b`. Throws MountError on what can't be mounted here.
 */
export function mountCall(mount: AssignedMount, owner: { uid: number; gid: number }): MountCall {
  const { options: written } = mount;
  if (mount.kind === 'blob')
    throw new MountError(
      `Blob containers can't be mounted: the container ${mount.containerName} needs blobfuse, which neither Debian nor this node has. Load its blobs as resource files, or mount NFS or CIFS.`,
    );
  const { source } = mount;
  if (source.startsWith('-') || CONTROL.test(source))
    throw new MountError(`The mount source ${JSON.stringify(source)} is not the name of a share.`);
  const own = optionsOf(written);
  if (mount.kind === 'nfs') return { type: 'nfs', source, options: own };
  const { username, password } = mount;
  if (CONTROL.test(username) || CONTROL.test(password))
    throw new MountError(`The user name or password for ${source} holds a line break.`);
  return {
    type: 'cifs',
    source,
    options: [
      `uid=${String(owner.uid)}`,
      `gid=${String(owner.gid)}`,
      'dir_mode=0770',
      'file_mode=0770',
      ...own,
    ],
    credentials: `username=${username}\npassword=${password}\n`,
  };
}

/** `-o vers=3.0,ro -o hard` and `vers=3.0,ro,hard` are the same; other flags of mount mean something else. */
function optionsOf(written = ''): string[] {
  const words = written.split(/\s+/).filter((word) => word !== '');
  const options: string[] = [];
  for (const word of words) {
    const text = word.replace(/^-o/, '');
    if (text.startsWith('-') || text.includes('\0'))
      throw new MountError(
        `The mount option ${JSON.stringify(word)} is not allowed: give "-o" with names and values.`,
      );
    options.push(...text.split(',').filter((option) => option !== ''));
  }
  if (options.some((option) => /^(credentials|cred|user|username|pass|password)=/.test(option)))
    throw new MountError(
      'Mount options that hold a user name or a password are not allowed: a CIFS mount has properties for them.',
    );
  return options;
}
