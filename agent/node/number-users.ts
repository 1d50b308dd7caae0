import { mkdirSync, readFileSync, renameSync, writeFileSync, lchownSync } from 'node:fs';
import type {
  AssignedUserAccount,
  NodeConfiguration,
  UserIdentity,
} from '../../protocol/agent/assignment.js';
import { AGENT_DIRECTORY } from './directories.js';
import { accountOf } from './users.js';
import type { NodeGroups, RunKind, RunUser, Users } from './users.js';

/** Below these places of the block stand groups, the pool's auto user and its accounts (at most 100). */
const POOL_USER = 4;
const FIRST_ACCOUNT = 5;
const FIRST_TASK = 128;
/** Numbers written off when the agent starts again, for one write in so many tasks. */
const RESERVED = 64;

/** The node has given every number of its block. */
class NumbersUsedUp extends Error {
  constructor(count: number) {
    super(
      `The node has used all ${count} user numbers of its block, and gives none twice: reimage it, or raise taskUsers.perNode.`,
    );
    this.name = 'NumbersUsedUp';
  }
}

/** Hands out numbers, each once in the life of a node, whatever happens to its agent. */
export class FreshNumbers {
  #next: number;
  #written: number;
  readonly #file: string;

  constructor(
    rootDirectory: string,
    first: number,
    private readonly end: number,
  ) {
    this.#file = `${rootDirectory}/${AGENT_DIRECTORY}/next-user-number`;
    this.#next = Math.max(first, readNumber(this.#file));
    this.#written = this.#next;
  }

  /** @throws NumbersUsedUp */
  take(): number {
    if (this.#next >= this.end) throw new NumbersUsedUp(this.end);
    if (this.#next >= this.#written) {
      this.#written = this.#next + RESERVED;
      writeFileSync(`${this.#file}.new`, String(this.#written), { mode: 0o600 });
      renameSync(`${this.#file}.new`, this.#file);
    }
    this.#next += 1;
    return this.#next - 1;
  }
}

function readNumber(file: string): number {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}

/**
 * Users that are numbers alone: nothing of the machine knows them, so nothing is left of them, and many
 * nodes share a machine without meeting. Whoever is elevated is root.
 */
export class NumberUsers implements Users {
  readonly groups: NodeGroups;
  readonly remark: string;
  readonly #fresh: FreshNumbers;
  #accounts: readonly AssignedUserAccount[] = [];

  constructor(
    private readonly rootDirectory: string,
    private readonly block: { first: number; count: number },
  ) {
    const { first, count } = block;
    this.groups = { node: first, startTask: first + 1, task: first + 2, remoteUser: first + 3 };
    this.#fresh = new FreshNumbers(rootDirectory, first + FIRST_TASK, first + count);
    this.remark = `tasks run as users of this node's own, with numbers from ${first} to ${first + count - 1} and no account; elevated ones as root`;
  }

  prepare(configuration: NodeConfiguration): void {
    this.#accounts = configuration.userAccounts ?? [];
    mkdirSync(`${this.rootDirectory}/volatile/home`, { recursive: true, mode: 0o711 });
    this.#home(POOL_USER);
    for (const [index] of this.#accounts.entries()) this.#home(FIRST_ACCOUNT + index);
  }

  userFor(identity: UserIdentity | undefined, kind: RunKind): RunUser | undefined {
    const account = accountOf(identity, this.#accounts);
    const elevation = account?.elevationLevel ?? identity?.autoUser?.elevationLevel;
    if (elevation === 'admin') return undefined;
    if (account !== undefined) {
      const place = FIRST_ACCOUNT + this.#accounts.indexOf(account);
      return this.#user(account.name, this.block.first + place, kind, this.#homePath(place));
    }
    if (identity?.autoUser?.scope === 'task') {
      const uid = this.#fresh.take();
      return this.#user(`_azbatch${uid}`, uid, kind);
    }
    return this.#user('_azbatch', this.block.first + POOL_USER, kind, this.#homePath(POOL_USER));
  }

  release(): void {
    // A number leaves nothing behind.
  }

  #user(name: string, uid: number, kind: RunKind, home?: string): RunUser {
    const { node, startTask, task } = this.groups;
    return {
      name,
      uid,
      gid: uid,
      groups: [node, kind === 'starttask' ? startTask : task],
      ...(home === undefined ? {} : { home }),
      locked: true,
    };
  }

  #homePath(place: number): string {
    return `${this.rootDirectory}/volatile/home/${place}`;
  }

  #home(place: number): void {
    const path = this.#homePath(place);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    lchownSync(path, this.block.first + place, this.block.first + place);
  }
}
