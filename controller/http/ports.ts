import type { Readable } from 'node:stream';
import type { Middleware } from 'koa';
import type { AgentRequest, AgentResponse, FileProperties } from '../../protocol/agent/request.js';
import type { AccountKey, ImageKey, JobKey, NodeKey } from '../../protocol/keys.js';
import type { Settings } from '../core/settings.js';
import type { LogOwner } from '../core/task/history.js';
import type { Command } from '../engine/command.js';
import type { StateView } from '../engine/ports.js';
import type { Reader } from '../engine/reader.js';

/** Files of nodes, over the link of their agents. */
interface NodeFiles {
  /** Rejects with BatchError('NodeNotReady') while no link is open. */
  request(nodeKey: NodeKey, request: AgentRequest): Promise<AgentResponse>;
  /**
   * One file as a stream; `start` and `end` are inclusive positions. Rejects with BatchError
   * (NodeNotReady, FileNotFound, InvalidRange).
   */
  read(
    nodeKey: NodeKey,
    path: string,
    range?: { start?: number; end?: number },
  ): Promise<{ file: FileProperties; start: number; end: number; body: NodeJS.ReadableStream }>;
  /** The file from `start` on as it is written, until nobody writes it any more. */
  follow(nodeKey: NodeKey, path: string, start: number): Promise<Readable>;
  /** Whether the node has a link right now. */
  isOnline(nodeKey: NodeKey): boolean;
}

/** A kept log; `skipped`: bytes of the file in front of it, positions are inclusive. */
export interface OpenLog {
  bytes: number;
  skipped: number;
  lastModified: number;
  read(start: number, end: number): Promise<Readable>;
  close(): Promise<void>;
}

/** Copies of outputs in the object store. */
export interface KeptLogFiles {
  keep(
    owner: LogOwner,
    file: string,
    body: Readable,
    of: { skipped: number; bytes: number; ended: boolean },
  ): Promise<void>;
  open(owner: LogOwner, file: string): Promise<OpenLog | undefined>;
}

/** What guests write on their consoles. */
interface NodeConsoleTexts {
  /** The end of it as it is now, `skipped` bytes left out in front; undefined: there is nothing to be read. */
  read(nodeKey: NodeKey): Promise<{ text: Buffer; skipped: number } | undefined>;
}

/** Files of application packages; `account` is the account's name, `expiry` epoch milliseconds. */
export interface PackageFiles {
  prepare(account: string): Promise<void>;
  /** A signed URL that permits `permissions` (of r, w) on one blob, below the URL of the account's storage. */
  url(
    storageUrl: string,
    account: string,
    blob: string,
    permissions: string,
  ): { url: string; expiry: number };
  inspect(
    account: string,
    blob: string,
  ): Promise<
    { found: 'nothing' } | { found: 'noZip' } | { found: 'zip'; md5: string; bytes: number }
  >;
  remove(account: string, blobs: readonly string[]): Promise<void>;
}

/** The files of images. */
export interface ImageFiles {
  /** Begins what is to be imported, and ends what is not wanted any more. */
  look(): Promise<void>;
  progress(key: ImageKey): { bytes: number; totalBytes?: number } | undefined;
  /** A source as it may be shown: signatures and passwords left out. */
  shown(source: string): string;
}

/** pino's shape. */
interface Log {
  debug(details: object, message: string): void;
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

/** All that the HTTP room needs from outside. */
export interface HttpPorts {
  /** Resolves after the commit; a refused command rejects with its BatchError. */
  submit<T>(command: Command<T>): Promise<T>;
  readonly view: StateView;
  readonly reader: Reader;
  readonly keys: {
    seal(text: string): string;
    open(sealed: string): string;
    /** A new account key: 64 random bytes, base64. */
    generate(): string;
  };
  readonly nodeFiles: NodeFiles;
  /** A URL of the service's own storage as the node may write to it; any other as it is. */
  nodeUrl?(nodeKey: NodeKey, url: string): string;
  readonly packages?: PackageFiles;
  readonly images?: ImageFiles;
  /** Names of files in a container of the account, at most so many; undefined: no such container. */
  files?(
    account: AccountKey,
    container: string,
    prefix: string,
    most: number,
  ): Promise<string[] | undefined>;
  readonly keptLogs?: KeptLogFiles;
  readonly consoles?: NodeConsoleTexts;
  /** Accounts' storage is at `{account}.blob.{storageDomain}` too. */
  readonly storageDomain?: string | undefined;
  readonly settings: Settings;
  /** Constant time. */
  isAdminToken(token: string): boolean;
  /** The job that a task's own token gives access to; undefined for anything else. */
  jobOfTaskToken?(token: string): JobKey | undefined;
  readonly clock: { now(): number };
  readonly log: Log;
  /** Endpoints with an authentication of their own (agents, storage): asked before the Batch API. */
  readonly mounts?: readonly Middleware[];
}
