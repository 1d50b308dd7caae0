import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentRequest, AgentResponse } from '../../protocol/agent/request.js';
import { NODE_GROUP, REMOTE_GROUP } from './account-users.js';
import { AGENT_DIRECTORY } from './directories.js';
import {
  ensureAccount,
  findAccount,
  removeAccount,
  runProgram,
  setAdministrator,
  setPassword,
  writeSshFile,
} from './system-accounts.js';

type PutUser = Extract<AgentRequest, { type: 'putUser' }>;
type UserRequest = Extract<AgentRequest, { type: 'putUser' | 'removeUser' }>;

const DAY_MS = 24 * 60 * 60_000;

/**
 * Accounts for people on a machine that is the node's own. One change at a time: the system's lists of
 * users are files. What was made here is written down first, so that it goes even if this program ends.
 */
export class NodeUsers {
  /** Expiry times by name, epoch milliseconds. */
  #expiry: Map<string, number>;
  readonly #file: string;
  #turn: Promise<unknown> = Promise.resolve();

  /** Without `setpriv` the machine isn't the node's: nobody is made. */
  constructor(
    rootDirectory: string,
    private readonly setpriv: string | undefined,
  ) {
    this.#file = join(rootDirectory, AGENT_DIRECTORY, 'node-users.json');
    this.#expiry = readExpiry(this.#file);
  }

  /** Never rejects: what fails is an answer too. */
  answer(request: UserRequest): Promise<AgentResponse> {
    return this.#inTurn(async () => {
      if (this.setpriv === undefined) return failed('this machine is not the node’s own');
      try {
        if (request.type === 'removeUser') {
          await this.#remove(request.name);
          return { type: 'userDone' };
        }
        return await this.#put(request, this.setpriv);
      } catch (error) {
        return failed(error instanceof Error ? error.message : String(error));
      }
    });
  }

  /** Removes those whose time is over. */
  async removeExpired(epoch: number): Promise<void> {
    for (const [name, expiryTime] of this.#expiry)
      if (expiryTime <= epoch) await this.#inTurn(() => this.#remove(name));
  }

  async #put(user: PutUser, setpriv: string): Promise<AgentResponse> {
    const { name, isAdmin, expiryTime, password, sshPublicKey } = user;
    if (!this.#expiry.has(name) && (await findAccount(name)) !== undefined)
      return {
        type: 'failed',
        code: 'UserNameTaken',
        message: `The machine has an account ${name} of its own.`,
      };
    this.#expiry.set(name, expiryTime);
    this.#write();
    const account = await ensureAccount({ name }, [NODE_GROUP, REMOTE_GROUP]);
    // The system counts in days; the hour is kept by `removeExpired`.
    const day = new Date(expiryTime + DAY_MS).toISOString().slice(0, 10);
    await runProgram('chage', ['--expiredate', day, name]);
    await setPassword(name, password);
    await setAdministrator(account, isAdmin);
    const keys = sshPublicKey === undefined ? '' : `${keyLine(sshPublicKey)}\n`;
    await writeSshFile(account, setpriv, 'authorized_keys', keys);
    return { type: 'userDone' };
  }

  async #remove(name: string): Promise<void> {
    if (!this.#expiry.has(name)) return;
    await removeAccount(name);
    this.#expiry.delete(name);
    this.#write();
  }

  #write(): void {
    writeFileSync(`${this.#file}.new`, JSON.stringify([...this.#expiry]), { mode: 0o600 });
    renameSync(`${this.#file}.new`, this.#file);
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined); // Told to whoever asked for it.
    return done;
  }
}

/** The service takes a bare key too, which is an RSA key. */
function keyLine(key: string): string {
  const line = key.trim();
  if (/[\0\r\n]/.test(line)) throw new Error('an SSH public key is one line');
  return line.includes(' ') ? line : `ssh-rsa ${line}`;
}

const failed = (message: string): AgentResponse => ({ type: 'failed', code: 'Failed', message });

function readExpiry(file: string): Map<string, number> {
  try {
    return new Map(JSON.parse(readFileSync(file, 'utf8')) as [string, number][]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
    throw error;
  }
}
