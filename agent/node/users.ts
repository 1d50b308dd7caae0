import type {
  AssignedUserAccount,
  NodeConfiguration,
  UserIdentity,
} from '../../protocol/agent/assignment.js';

/** Whom the processes of one run are, by numbers; the agent's own user has none of these. */
export interface RunUser {
  name: string;
  uid: number;
  gid: number;
  /** Beside `gid`: what the node lets this kind of run read. */
  groups: readonly number[];
  /** Absent: the run's working directory. */
  home?: string;
  /** Programs with the set-user-id bit give nothing: there is no account that sudo could know. */
  locked: boolean;
}

/** Who may read what of a node that has users; the numbers of system groups. */
export interface NodeGroups {
  /** Everyone who runs tasks here: passes the node's root, writes `shared`. */
  node: number;
  /** Whoever may see the certificates of that visibility. */
  startTask: number;
  task: number;
  remoteUser: number;
}

export type RunKind = 'starttask' | 'task';

/** The users of one node's tasks. */
export interface Users {
  /** Absent where everything runs as the agent's own user. */
  readonly groups: NodeGroups | undefined;
  /** For whoever asks how this node runs tasks. */
  readonly remark: string;
  /** Makes what the node's users need; a promise where programs are called for it. */
  prepare(configuration: NodeConfiguration): Promise<void> | void;
  /**
   * Whom a run is; undefined: the agent's own user (root where there are users: the run is elevated).
   * Throws UnknownUser.
   */
  userFor(
    identity: UserIdentity | undefined,
    kind: RunKind,
  ): RunUser | undefined | Promise<RunUser | undefined>;
  /** The run is over: a user that was its alone goes, in its own time. */
  release(user: RunUser): void;
}

/** The pool has no account of the name that a task asks for. */
export class UnknownUser extends Error {
  constructor(
    readonly userName: string,
    known: readonly AssignedUserAccount[],
  ) {
    const allowed =
      known.length === 0 ? 'has none' : `has ${known.map(({ name }) => name).join(', ')}`;
    super(
      `The task's user identity names ${JSON.stringify(userName)}, which is no user account of the pool: it ${allowed}.`,
    );
    this.name = 'UnknownUser';
  }
}

/** The account that an identity names; undefined: an auto user. @throws UnknownUser */
export function accountOf(
  identity: UserIdentity | undefined,
  accounts: readonly AssignedUserAccount[],
): AssignedUserAccount | undefined {
  const wanted = identity?.username;
  if (wanted === undefined) return undefined;
  const account = accounts.find(({ name }) => name === wanted);
  if (account === undefined) throw new UnknownUser(wanted, accounts);
  return account;
}

/** No users: the agent isn't root, or is told to run everything as itself. */
export class AgentUser implements Users {
  readonly groups = undefined;
  #accounts: readonly AssignedUserAccount[] = [];

  constructor(readonly remark: string) {}

  prepare(configuration: NodeConfiguration): void {
    this.#accounts = configuration.userAccounts ?? [];
  }

  userFor(identity: UserIdentity | undefined): undefined {
    accountOf(identity, this.#accounts);
  }

  release(): void {
    // Nothing was made.
  }
}
