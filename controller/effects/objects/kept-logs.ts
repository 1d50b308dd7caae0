/**
 * Copies of stdout.txt and stderr.txt that outlive their node: their agents send the last bytes of each
 * while a task runs, the object store keeps them, and the store's ledger (`kept_log`) knows them all, so
 * that each is deleted with its task or when its retention time is over.
 */
import type { Readable } from 'node:stream';
import type { Job } from '../../core/job/state.js';
import type { KeptLog, LogOwner } from '../../core/task/history.js';
import { LIMITS } from '../../../protocol/batch/limits.js';
import { accountOf, startTaskRunsKey } from '../../../protocol/keys.js';
import type { AccountKey, RunsKey } from '../../../protocol/keys.js';
import type { StateView } from '../../engine/ports.js';
import type { ObjectStore } from './object-store.js';

/** The container of an account that holds them; tasks never get a URL of it. */
export const LOGS_CONTAINER = 'task-logs';
/** Of a log whose task still runs: when to look again. */
const RUNNING_LOOK_MS = 3_600_000;
const KNOWN_MAX = 10_000;

/** An opened log. `skipped`: bytes of the file before those that were kept. */
export interface OpenLog {
  bytes: number;
  skipped: number;
  /** Epoch milliseconds. */
  lastModified: number;
  /** Inclusive positions in what was kept. */
  read(start: number, end: number): Promise<Readable>;
  close(): Promise<void>;
}

export interface KeptLogsPorts {
  objects: ObjectStore;
  view(): StateView;
  /** Resolves once the ledger's row is durable. */
  note(log: KeptLog): Promise<void>;
  now(): number;
  /** 0: nothing is kept. */
  bytesMax: number;
}

export class KeptLogs {
  /** Blobs that the ledger has: it is asked once for each. */
  private readonly known = new Set<string>();

  constructor(private readonly ports: KeptLogsPorts) {}

  /** Puts the newest copy in the place of the one before; one that is too long is refused by the store. */
  async keep(
    owner: LogOwner,
    file: string,
    body: Readable,
    { skipped, bytes, ended }: { skipped: number; bytes: number; ended: boolean },
  ): Promise<void> {
    const { objects, bytesMax } = this.ports;
    const { account, blob } = this.place(owner, file);
    await this.enter(owner, `${account}/${LOGS_CONTAINER}/${blob}`, ended);
    await objects.createContainer(account, LOGS_CONTAINER);
    await objects.put(
      { account, container: LOGS_CONTAINER, blob },
      body,
      { contentType: 'text/plain', metadata: { skipped: String(skipped) } },
      { bytesMax, bytes },
    );
  }

  /** Undefined: none was kept. */
  async open(owner: LogOwner, file: string): Promise<OpenLog | undefined> {
    const { account, blob } = this.place(owner, file);
    const opened = await this.ports.objects.open({ account, container: LOGS_CONTAINER, blob });
    if (opened === undefined) return undefined;
    const { contentLength, lastModified, metadata } = opened.properties;
    return {
      bytes: contentLength,
      skipped: Number(metadata['skipped'] ?? 0),
      lastModified,
      read: (start, end) => opened.read(start, end),
      close: () => opened.close(),
    };
  }

  private async enter(owner: LogOwner, name: string, ended: boolean): Promise<void> {
    if (this.known.has(name) && !ended) return;
    const now = this.ports.now();
    await this.ports.note({
      blob: name,
      owner: ownerOf(owner),
      lookAt:
        owner.kind === 'boot'
          ? now + LIMITS.startTaskRunsKeptMs
          : ended
            ? now
            : now + RUNNING_LOOK_MS,
    });
    this.known.add(name);
    for (const oldest of this.known) {
      if (this.known.size <= KNOWN_MAX) break;
      this.known.delete(oldest);
    }
  }

  private place(owner: LogOwner, file: string): { account: string; blob: string } {
    if (owner.kind === 'boot') {
      const run = owner.run === undefined ? '' : `${String(owner.run)}/`;
      return {
        account: this.accountName(accountOf(owner.node)),
        blob: `nodes/${below(owner.node)}/${String(owner.incarnation)}/${run}${file}`,
      };
    }
    const { job, attempt } = owner;
    const key = ownerOf(owner);
    const part =
      owner.kind === 'task' && owner.subtask !== undefined ? `${String(owner.subtask)}/` : '';
    return {
      account: this.accountName(job.account),
      blob: `${folderOf(job)}/${key.slice(key.lastIndexOf('/') + 1)}/${String(attempt)}/${part}${file}`,
    };
  }

  private accountName(key: AccountKey): string {
    return this.ports.view().accounts.get(key)?.name ?? key;
  }
}

/** By whom the ledger finds it. */
const ownerOf = (owner: LogOwner): RunsKey =>
  owner.kind === 'task'
    ? owner.task
    : owner.kind === 'special'
      ? owner.runs
      : startTaskRunsKey(owner.node);

/** A job of the same id that comes later has another. */
export const folderOf = (job: Readonly<Job>): string =>
  `tasks/${below(job.key)}-${job.creationTime.toString(36)}`;

const below = (key: string) => key.slice(key.indexOf('/') + 1);
