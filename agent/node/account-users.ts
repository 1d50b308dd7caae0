import { createPublicKey } from 'node:crypto';
import type {
  AssignedUserAccount,
  NodeConfiguration,
  UserIdentity,
} from '../../protocol/agent/assignment.js';
import { FreshNumbers } from './number-users.js';
import {
  ensureAccount,
  ensureGroup,
  groupsOf,
  makeGroups,
  removeAccount,
  setAdministrator,
  setPassword,
  writeSshFile,
  type SystemAccount,
} from './system-accounts.js';
import { accountOf } from './users.js';
import type { NodeGroups, RunKind, RunUser, Users } from './users.js';

const FIRST_ACCOUNT = 5;
const FIRST_TASK = 128;
/** Who may pass the node's directories. */
export const NODE_GROUP = '_azbatchgrp';
const START_GROUP = '_azbatchstart';
const TASK_GROUP = '_azbatchtask';
/** The account of the pool's tasks, and its group. */
const POOL_ACCOUNT = '_azbatch';
/** Who sees certificates for people. */
export const REMOTE_GROUP = '_azbatchremote';

/**
 * Users that are accounts of the machine, which is the node's alone: programs find them by name, a start
 * task may put them into groups, and administrators have sudo. Automatic users that are elevated are root.
 */
export class AccountUsers implements Users {
  readonly groups: NodeGroups;
  readonly remark = 'tasks run as accounts of this machine; elevated automatic users as root';
  readonly #fresh: FreshNumbers;
  #accounts: readonly AssignedUserAccount[] = [];
  #system = new Map<string, SystemAccount>();
  #pool: SystemAccount | undefined;
  /** They are made while the controller is dialled; where one program can't, `prepare` makes them. */
  readonly #groupsMade: Promise<void>;

  constructor(
    rootDirectory: string,
    private readonly block: { first: number; count: number },
    private readonly setpriv: string,
    private readonly log: (text: string) => void,
  ) {
    const { first, count } = block;
    this.groups = { node: first, startTask: first + 1, task: first + 2, remoteUser: first + 3 };
    this.#fresh = new FreshNumbers(rootDirectory, first + FIRST_TASK, first + count);
    const names = [NODE_GROUP, START_GROUP, TASK_GROUP, REMOTE_GROUP, POOL_ACCOUNT];
    this.#groupsMade = makeGroups(names.map((name, place) => ({ name, gid: first + place }))).catch(
      () => undefined,
    );
  }

  async prepare(configuration: NodeConfiguration): Promise<void> {
    this.#accounts = configuration.userAccounts ?? [];
    const { node, startTask, task, remoteUser } = this.groups;
    await this.#groupsMade;
    await ensureGroup(NODE_GROUP, node);
    await ensureGroup(START_GROUP, startTask);
    await ensureGroup(TASK_GROUP, task);
    await ensureGroup(REMOTE_GROUP, remoteUser);
    const { first } = this.block;
    this.#pool = await ensureAccount({ name: POOL_ACCOUNT, uid: first + 4, gid: first + 4 });
    for (const [index, account] of this.#accounts.entries())
      this.#system.set(account.name, await this.#make(account, first + FIRST_ACCOUNT + index));
  }

  userFor(
    identity: UserIdentity | undefined,
    kind: RunKind,
  ): RunUser | undefined | Promise<RunUser> {
    const account = accountOf(identity, this.#accounts);
    if (account !== undefined) return this.#user(this.#system.get(account.name), kind);
    if (identity?.autoUser?.elevationLevel === 'admin') return undefined;
    if (identity?.autoUser?.scope !== 'task') return this.#user(this.#pool, kind);
    const uid = this.#fresh.take();
    const name = `_azbatch${uid}`;
    // Its home is the task's working directory, which goes with the task.
    return ensureAccount({ name, uid, gid: uid, home: '/nonexistent' }).then((made) => {
      const { home: _none, ...user } = this.#user(made, kind);
      return user;
    });
  }

  release({ name, uid }: RunUser): void {
    if (uid < this.block.first + FIRST_TASK || name !== `_azbatch${uid}`) return;
    removeAccount(name).catch((error: unknown) =>
      this.log(`the user of a task that is over could not be removed: ${String(error)}`),
    );
  }

  async #make(account: AssignedUserAccount, place: number): Promise<SystemAccount> {
    const { name, password, elevationLevel, uid = place, gid = place, sshPrivateKey } = account;
    // A login from another node of the pool gets to the directories of its task, too.
    const made = await ensureAccount({ name, uid, gid }, [NODE_GROUP]);
    if (made.uid !== uid)
      throw new Error(`the user account ${JSON.stringify(name)} is one of the system's own`);
    await setPassword(name, password);
    await setAdministrator(made, elevationLevel === 'admin');
    if (sshPrivateKey !== undefined) {
      const publicKey = publicKeyOf(sshPrivateKey);
      await writeSshFile(made, this.setpriv, 'id_rsa', `${sshPrivateKey.trimEnd()}\n`);
      await writeSshFile(made, this.setpriv, 'id_rsa.pub', `${publicKey} ${name}\n`);
      await writeSshFile(made, this.setpriv, 'authorized_keys', `${publicKey} ${name}\n`);
    }
    return made;
  }

  #user(account: SystemAccount | undefined, kind: RunKind): RunUser {
    if (account === undefined) throw new Error('the accounts of the node are not made yet');
    const { name, uid, gid, home } = account;
    const { node, startTask, task } = this.groups;
    const groups = new Set([node, kind === 'starttask' ? startTask : task, ...groupsOf(name)]);
    return { name, uid, gid, home, groups: [...groups], locked: false };
  }
}

/** OpenSSH's line of the public half of a key in OpenSSH's own form, or of an RSA key in PEM. */
function publicKeyOf(privateKey: string): string {
  const own = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]+?)-----END/.exec(privateKey)?.[1];
  const blob = own === undefined ? rsaBlob(privateKey) : openSshBlob(Buffer.from(own, 'base64'));
  return `${blob.toString('latin1', 4, 4 + blob.readUInt32BE(0))} ${blob.toString('base64')}`;
}

/** magic, then as counted strings: cipher, derivation, its options; the number of keys; the public key. */
function openSshBlob(bytes: Buffer): Buffer {
  let at = 'openssh-key-v1\0'.length;
  const next = () => {
    const length = bytes.readUInt32BE(at);
    at += 4 + length;
    return bytes.subarray(at - length, at);
  };
  for (let skipped = 0; skipped < 3; skipped += 1) next();
  at += 4;
  return next();
}

function rsaBlob(pem: string): Buffer {
  const { n, e, kty } = createPublicKey(pem).export({ format: 'jwk' });
  if (kty !== 'RSA' || n === undefined || e === undefined)
    throw new Error("an SSH key is an RSA key in PEM, or any key in OpenSSH's own form");
  const counted = (part: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(part.length);
    return Buffer.concat([length, part]);
  };
  const integer = (text: string) => {
    const bytes = Buffer.from(text, 'base64url');
    return counted((bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.alloc(1), bytes]) : bytes);
  };
  return Buffer.concat([counted(Buffer.from('ssh-rsa')), integer(e), integer(n)]);
}
