import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { JobKey, NodeKey } from '../../../protocol/keys.js';
import { CertificateAuthority } from './certificate-authority.js';
import { equalSecrets } from './constant-time.js';
import { MasterKey } from './master-key.js';
import { readPrivateFile, writePrivateFile } from './private-file.js';

const ACCOUNT_KEY_BYTES = 64;
const ADMIN_TOKEN_BYTES = 32;

/** Everything secret of one data folder: sealing, tokens, signatures, the CA. */
export class Authority {
  private constructor(
    private readonly dataDirectory: string,
    private readonly masterKey: MasterKey,
    private readonly adminToken: string,
  ) {}

  /** `adminToken`: the configured one; without it `DIR/admin-token` is read or made (mode 0600). */
  static open(dataDirectory: string, adminToken?: string): Authority {
    const masterKey = MasterKey.open(dataDirectory);
    return new Authority(dataDirectory, masterKey, adminToken ?? keptAdminToken(dataDirectory));
  }

  /** Names this data folder to the outside (hypervisors), for ever; tells nothing of the key. */
  get controllerId(): string {
    return createHash('sha256')
      .update(this.masterKey.sign('identity', ''))
      .digest('hex')
      .slice(0, 32);
  }

  /** Encrypts text for the database (account keys, certificates). */
  seal(text: string): string {
    return this.masterKey.seal(text);
  }

  /** What was sealed; throws for text of another folder or changed text. */
  open(sealed: string): string {
    return this.masterKey.open(sealed);
  }

  /** A new account key: 64 random bytes in base64. */
  generate(): string {
    return randomBytes(ACCOUNT_KEY_BYTES).toString('base64');
  }

  /** The one-time token of one incarnation of a node. Nothing is kept: it can be computed again. */
  enrolmentToken(nodeKey: NodeKey, incarnation: number): string {
    return this.masterKey.sign('enrolment', `${nodeKey};${String(incarnation)}`);
  }

  isEnrolmentToken(nodeKey: string, incarnation: number, token: string): boolean {
    return equalSecrets(token, this.enrolmentToken(nodeKey as NodeKey, incarnation));
  }

  isAdminToken(token: string): boolean {
    return equalSecrets(token, this.adminToken);
  }

  /** Signature of a storage URL's terms (see objects/signed-url.ts). */
  signStorage(text: string): string {
    return this.masterKey.sign('storage', text);
  }

  /** The token of a task that asks for access to its job; a job of the same id made later has another. */
  taskToken(job: { key: JobKey; creationTime: number }): string {
    const signature = this.masterKey.sign('task', `${job.key};${String(job.creationTime)}`);
    return `${Buffer.from(job.key).toString('base64url')}.${signature}`;
  }

  /** The job that a task's token is for, by the jobs there are; undefined for anything else. */
  jobOfTaskToken(
    token: string,
    jobs: ReadonlyMap<JobKey, Readonly<{ key: JobKey; creationTime: number }>>,
  ): JobKey | undefined {
    const job = jobs.get(
      Buffer.from(token.split('.', 1)[0] ?? '', 'base64url').toString() as JobKey,
    );
    return job !== undefined && equalSecrets(token, this.taskToken(job)) ? job.key : undefined;
  }

  /** The folder's CA; made at the first call. */
  certificateAuthority(now: number): CertificateAuthority {
    return CertificateAuthority.open(this.dataDirectory, now);
  }
}

function keptAdminToken(dataDirectory: string): string {
  const file = join(dataDirectory, 'admin-token');
  const kept = readPrivateFile(file)?.toString('utf8').trim();
  if (kept !== undefined && kept !== '') return kept;
  const made = randomBytes(ADMIN_TOKEN_BYTES).toString('base64url');
  writePrivateFile(file, `${made}\n`);
  return made;
}
