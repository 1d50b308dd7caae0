import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AssignedCertificate } from '../../protocol/agent/assignment.js';
import { CERTIFICATES_DIRECTORY } from './directories.js';

export type CertificateViewer = 'starttask' | 'task';

/** The directory with the certificates that a kind of task may see. */
export const certificatesDirectory = (root: string, viewer: CertificateViewer) =>
  join(root, CERTIFICATES_DIRECTORY, viewer);

/**
 * Writes the node's certificates, one directory for each visibility: `sha1-{thumbprint}.pfx` with its
 * password in `sha1-{thumbprint}.pfx.pw`, or `sha1-{thumbprint}.cer`. What an older incarnation left goes.
 */
export function installCertificates(
  root: string,
  certificates: readonly AssignedCertificate[],
): void {
  for (const viewer of ['starttask', 'task', 'remoteuser'] as const) {
    const directory = join(root, CERTIFICATES_DIRECTORY, viewer);
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    for (const certificate of certificates) {
      if (certificate.visibility.includes(viewer)) install(directory, certificate);
    }
  }
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
