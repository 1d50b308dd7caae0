import {
  closeSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Assignment } from '../../protocol/agent/assignment.js';
import type { SequencedEvent } from '../../protocol/agent/event.js';
import { AGENT_DIRECTORY } from './directories.js';
import type { RunUser } from './users.js';

/** Beyond this, and twice what it was when it was last written anew, the file is written anew. */
const REWRITE_BYTES = 256 * 1024;
/** Of a boot of the machine: process numbers of an older one mean nothing. */
const BOOT_ID = '/proc/sys/kernel/random/boot_id';

/** A run whose process lives, as far as an agent that comes after needs to know. Holds no secret of the task. */
export interface RecordedRun {
  /** The try, without what may hold secrets; `startTask` has none. */
  of:
    | Pick<
        Assignment,
        | 'taskKey'
        | 'attempt'
        | 'jobId'
        | 'taskId'
        | 'directory'
        | 'requiredSlots'
        | 'maxWallClockTimeMs'
        | 'retentionTimeMs'
      >
    | 'startTask';
  /** Absent: a part of a multi-instance task that waits. */
  pid?: number;
  /** When the process began, by the system's uptime in milliseconds: tells it from a later one of the same number. */
  between?: [number, number];
  /** Epoch milliseconds: of the run, and of the try in its core. */
  startTime: number;
  startedEpoch: number;
  /** Its end needs its assignment: there are files to upload. */
  hasOutputs: boolean;
  user?: RunUser;
  /** Id of the container that the process is attached to. */
  container?: string;
  logsApart: boolean;
  /** Which run of the start task. */
  startTaskRun?: number;
  /** Of a multi-instance task. */
  part?: {
    subtaskId: number;
    sharedDirectory: string;
    state: 'coordinating' | 'waiting' | 'proceeded';
    /** Of the session that the coordination command left. */
    leader?: number;
    /** Its control group. */
    group?: string;
  };
}

export type StartTaskRecord = {
  state: 'absent' | 'pending' | 'running' | 'succeeded' | 'failed';
  retryCount: number;
};

/** One line of the file. */
type Entry =
  | { type: 'boot'; nodeKey: string; incarnation: number; bootId: string }
  | { type: 'startTask'; startTask: StartTaskRecord }
  | { type: 'run'; run: RecordedRun }
  | { type: 'events'; events: SequencedEvent[] }
  | { type: 'acknowledged'; sequence: number }
  | { type: 'lease'; leaseMs: number }
  | { type: 'retain'; directory: string; until: number }
  | { type: 'forget'; directory: string };

/** All that the lines come to. */
export interface JournalState {
  /** Set once the node was prepared. */
  startTask?: StartTaskRecord;
  /** By `taskKey#attempt` or `startTask`. */
  runs: Map<string, RecordedRun>;
  sequence: number;
  events: SequencedEvent[];
  retained: Map<string, number>;
  /** How long leases are. */
  leaseMs: number;
}

const idOf = (of: RecordedRun['of']) =>
  of === 'startTask' ? of : `${of.taskKey}#${String(of.attempt)}`;

/**
 * What an agent that crashed leaves to the next one of the same node: a file of lines, each written with
 * one call before anything that follows from it is sent. It survives the agent, not the machine: after a
 * boot only the retention of directories is read from it.
 */
export class Journal {
  readonly state: JournalState;
  /** Whether another process of this incarnation and boot has written it. */
  readonly continues: boolean;
  #file: number | undefined;
  #bytes = 0;
  #rewriteAt = REWRITE_BYTES;
  #lines: string[] = [];
  /** Why the last write failed, where it did. */
  failure: unknown;

  private constructor(
    private readonly path: string,
    private readonly boot: Extract<Entry, { type: 'boot' }>,
  ) {
    const { state, before } = read(path);
    this.continues =
      before?.nodeKey === boot.nodeKey &&
      before.incarnation === boot.incarnation &&
      before.bootId === boot.bootId;
    this.state = this.continues
      ? state
      : { runs: new Map(), sequence: 0, events: [], retained: state.retained, leaseMs: 0 };
    this.#rewriteAt = 0;
  }

  static open(rootDirectory: string, nodeKey: string, incarnation: number): Journal {
    const bootId = readFileSync(BOOT_ID, 'utf8').trim();
    const path = join(rootDirectory, AGENT_DIRECTORY, 'journal');
    return new Journal(path, { type: 'boot', nodeKey, incarnation, bootId });
  }

  prepared(startTask: StartTaskRecord): void {
    this.#add({ type: 'startTask', startTask });
  }

  began(run: RecordedRun): void {
    this.#add({ type: 'run', run });
  }

  /** Ends and everything else that is not acknowledged; a try that ended in them runs no more. */
  events(events: SequencedEvent[]): void {
    this.#add({ type: 'events', events });
  }

  acknowledged(sequence: number): void {
    if (this.state.events.length > 0) this.#add({ type: 'acknowledged', sequence });
  }

  lease(leaseMs: number): void {
    if (leaseMs !== this.state.leaseMs) this.#add({ type: 'lease', leaseMs });
  }

  retain(directory: string, until: number): void {
    this.#add({ type: 'retain', directory, until });
  }

  forget(directory: string): void {
    if (this.state.retained.has(directory)) this.#add({ type: 'forget', directory });
  }

  /** Nothing of the state holds any more but the directories that are kept. */
  reset(): void {
    this.state.runs.clear();
    this.state.events = [];
    this.state.sequence = 0;
    delete this.state.startTask;
    this.#lines = [];
    this.#rewriteAt = 0;
  }

  /** Writes what was added since the last call. */
  write(): void {
    if (this.#lines.length === 0 && this.#rewriteAt > 0) return;
    const text = this.#lines.join('');
    this.#lines = [];
    try {
      this.#append(text);
    } catch (error) {
      // A full disk: the agent goes on, and what it leaves is written whole once there is room.
      this.#rewriteAt = 0;
      this.failure = error;
    }
  }

  #append(text: string): void {
    // The state holds what the lines say.
    if (this.#file === undefined || this.#bytes + text.length > this.#rewriteAt)
      this.#file = this.#rewrite();
    else {
      writeSync(this.#file, text);
      this.#bytes += text.length;
    }
    this.failure = undefined;
  }

  #add(entry: Entry): void {
    apply(this.state, entry);
    this.#lines.push(`${JSON.stringify(entry)}\n`);
  }

  /** Beside the old file, which it replaces: a crash leaves the one or the other, whole. */
  #rewrite(): number {
    const { startTask, runs, sequence, events, retained, leaseMs } = this.state;
    const entries: Entry[] = [
      this.boot,
      ...(startTask === undefined ? [] : [{ type: 'startTask' as const, startTask }]),
      ...[...runs.values()].map((run) => ({ type: 'run' as const, run })),
      { type: 'lease', leaseMs },
      { type: 'events', events },
      { type: 'acknowledged', sequence: sequence - events.length },
      ...[...retained].map(([directory, until]) => ({
        type: 'retain' as const,
        directory,
        until,
      })),
    ];
    const text = entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
    rmSync(`${this.path}.new`, { force: true });
    writeFileSync(`${this.path}.new`, text, { mode: 0o600, flag: 'wx' });
    renameSync(`${this.path}.new`, this.path);
    this.#bytes = text.length;
    this.#rewriteAt = Math.max(REWRITE_BYTES, 2 * text.length);
    if (this.#file !== undefined) closeSync(this.#file);
    return openSync(this.path, 'a', 0o600);
  }
}

/** The last line may be cut short by the crash: nothing was sent after it. */
function read(path: string): {
  state: JournalState;
  before: Extract<Entry, { type: 'boot' }> | undefined;
} {
  const state: JournalState = {
    runs: new Map(),
    sequence: 0,
    events: [],
    retained: new Map(),
    leaseMs: 0,
  };
  let before: Extract<Entry, { type: 'boot' }> | undefined;
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  for (const line of text.split('\n').slice(0, -1)) {
    const entry = parse(line);
    if (entry === undefined) continue;
    if (entry.type === 'boot') before = entry;
    else apply(state, entry);
  }
  return { state, before };
}

/** Nothing for a line that a full disk cut short. */
function parse(line: string): Entry | undefined {
  try {
    return JSON.parse(line) as Entry;
  } catch {
    return undefined;
  }
}

function apply(state: JournalState, entry: Entry): void {
  switch (entry.type) {
    case 'boot':
      return;
    case 'startTask':
      state.startTask = entry.startTask;
      if (entry.startTask.state !== 'running') state.runs.delete('startTask');
      return;
    case 'run':
      state.runs.set(idOf(entry.run.of), entry.run);
      return;
    case 'events':
      for (const { sequence, event } of entry.events) {
        state.sequence = Math.max(state.sequence, sequence);
        if (event.type === 'attemptEnded')
          state.runs.delete(`${event.taskKey}#${String(event.attempt)}`);
        if (event.type === 'startTaskEnded') state.runs.delete('startTask');
      }
      state.events.push(...entry.events);
      return;
    case 'acknowledged': {
      state.sequence = Math.max(state.sequence, entry.sequence);
      const kept = state.events.findIndex(({ sequence }) => sequence > entry.sequence);
      state.events.splice(0, kept < 0 ? state.events.length : kept);
      return;
    }
    case 'lease':
      state.leaseMs = entry.leaseMs;
      return;
    case 'retain':
      state.retained.set(entry.directory, entry.until);
      return;
    case 'forget':
      state.retained.delete(entry.directory);
      return;
  }
}
