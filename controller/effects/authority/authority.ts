import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { JobKey, NodeKey, TaskKey } from '../../../protocol/keys.js';
import { CertificateAuthority } from './certificate-authority.js';
import { equalSecrets } from './constant-time.js';
import { MasterKey } from './master-key.js';
import { readPrivateFile, writePrivateFile } from './private-file.js';

const ACCOUNT_KEY_BYTES = 64;
const ADMIN_TOKEN_BYTES = 32;

/** Whose token it is: an attempt, with the lives of its task and job, since ids are used again. */
export interface TokenSubject {
  job: { readonly creationTime: number };
  task: { readonly key: TaskKey; readonly attempt: number; readonly creationTime: number };
}

interface TokenView {
  readonly jobs: ReadonlyMap<JobKey, TokenSubject['job'] & { readonly key: JobKey }>;
  task(
    key: TaskKey,
  ): (TokenSubject['task'] & { readonly job: JobKey; readonly phase?: string }) | undefined;
}

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

  /**
   * The token of one attempt of a task that asks for access to its job. Nothing is kept: it names the
   * attempt and can be computed again, and it is dead once that attempt is not the task's any more.
   */
  taskToken({ job, task }: TokenSubject): string {
    const claim = JSON.stringify([task.key, task.attempt]);
    const signature = this.masterKey.sign(
      'task',
      `${claim};${String(job.creationTime)};${String(task.creationTime)}`,
    );
    return `${Buffer.from(claim).toString('base64url')}.${signature}`;
  }

  /** The job that a task's token opens now; undefined for anything else, and once the attempt is over. */
  jobOfTaskToken(token: string, view: TokenView): JobKey | undefined {
    const claim = readClaim(token);
    const task = claim === undefined ? undefined : view.task(claim.taskKey);
    const job = task === undefined ? undefined : view.jobs.get(task.job);
    if (task === undefined || job === undefined) return undefined;
    const live = task.phase !== undefined && task.attempt === claim?.attempt;
    return live && equalSecrets(token, this.taskToken({ job, task })) ? job.key : undefined;
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

function readClaim(token: string): { taskKey: TaskKey; attempt: number } | undefined {
  try {
    const text = Buffer.from(token.split('.', 1)[0] ?? '', 'base64url').toString();
    const claim: unknown = JSON.parse(text);
    if (!Array.isArray(claim) || typeof claim[0] !== 'string' || typeof claim[1] !== 'number')
      return undefined;
    return { taskKey: claim[0] as TaskKey, attempt: claim[1] };
  } catch {
    // Not JSON: no token of this service.
    return undefined;
  }
}
