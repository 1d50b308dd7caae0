import { chmodSync, lchownSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AssignedCertificate } from '../../protocol/agent/assignment.js';
import { CERTIFICATES_DIRECTORY } from './directories.js';
import type { NodeGroups } from './users.js';

export type CertificateViewer = 'starttask' | 'task';

/** The directory with the certificates that a kind of task may see. */
export const certificatesDirectory = (root: string, viewer: CertificateViewer) =>
  join(root, CERTIFICATES_DIRECTORY, viewer);

/**
 * Writes the node's certificates, one directory for each visibility: `sha1-{thumbprint}.pfx` with its
 * password in `sha1-{thumbprint}.pfx.pw`, or `sha1-{thumbprint}.cer`. What an older incarnation left goes.
 * With `groups`, each directory is readable for its group alone; otherwise for the agent's own user.
 */
export function installCertificates(
  root: string,
  certificates: readonly AssignedCertificate[],
  groups?: NodeGroups,
): void {
  for (const viewer of ['starttask', 'task', 'remoteuser'] as const) {
    const directory = join(root, CERTIFICATES_DIRECTORY, viewer);
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    for (const certificate of certificates) {
      if (certificate.visibility.includes(viewer)) install(directory, certificate);
    }
    if (groups !== undefined) share(directory, groups[GROUPS[viewer]]);
  }
}

const GROUPS = { starttask: 'startTask', task: 'task', remoteuser: 'remoteUser' } as const;

/** For a group to read, and for nobody to change. */
function share(directory: string, group: number): void {
  for (const name of readdirSync(directory)) {
    lchownSync(join(directory, name), 0, group);
    chmodSync(join(directory, name), 0o440);
  }
  lchownSync(directory, 0, group);
  chmodSync(directory, 0o750);
}

function install(directory: string, certificate: AssignedCertificate): void {
  const { thumbprint, format, data, password } = certificate;
  if (!/^[0-9a-f]{1,40}$/i.test(thumbprint)) {
    throw new Error(
      `the thumbprint ${JSON.stringify(thumbprint)} is not 1 to 40 hexadecimal digits`,
    );
  }
  const file = join(directory, `sha1-${thumbprint.toLowerCase()}.${format}`);
  writeFileSync(file, Buffer.from(data, 'base64'), { mode: 0o400, flag: 'wx' });
  if (format === 'pfx') writeFileSync(`${file}.pw`, password ?? '', { mode: 0o400, flag: 'wx' });
}
