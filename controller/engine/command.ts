import { BatchError } from '../../protocol/batch/errors.js';
import { etagOf } from '../../protocol/batch/etag.js';
import type { TaskKey } from '../../protocol/keys.js';
import type { Recorder } from '../core/recorder.js';
import type { State } from '../core/state.js';

/** What a command works with: the state, the time, chance, the settings, and the record of changes. */
export type Transaction = Recorder;

/**
 * One write operation as a value. `run` decides first (throws BatchError, having changed nothing) and
 * changes after; it never waits. Rows of completed tasks are not in memory: `loads` names those it needs.
 */
export interface Command<T> {
  readonly name: string;
  readonly loads?: readonly TaskKey[] | ((state: State) => readonly TaskKey[]);
  run(transaction: Transaction): T;
}

/** HTTP conditions; times are epoch milliseconds, ETags as the client sent them (quoted or not, or `*`). */
export interface Conditions {
  ifMatch?: string;
  ifNoneMatch?: string;
  ifModifiedSince?: number;
  ifUnmodifiedSince?: number;
}

/** The answer to an add, patch, update or action. */
export interface EntityReply {
  id: string;
  etag: string;
  lastModified: number;
}

interface Versioned {
  id: string;
  creationTime: number;
  lastModified: number;
  version: number;
}

/** The reply that names an entity as it now is. */
export const entityReply = (entity: Versioned): EntityReply => ({
  id: entity.id,
  etag: etagOf(entity),
  lastModified: entity.lastModified,
});

const bare = (etag: string) => etag.replace(/^W\//, '').replace(/^"|"$/g, '');
const matches = (condition: string, etag: string) =>
  condition.split(',').some((one) => bare(one.trim()) === '*' || bare(one.trim()) === etag);
const seconds = (time: number) => Math.floor(time / 1000);

/**
 * Refuses with ConditionNotMet (412) when a write's conditions do not hold (the contract's section
 * 1.4: with an ETag condition present its date twin is ignored; dates have whole seconds).
 */
export function checkConditions(conditions: Conditions | undefined, entity: Versioned): void {
  if (conditions === undefined) return;
  const { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince } = conditions;
  const etag = etagOf(entity);
  const modified = seconds(entity.lastModified);
  const holds =
    (ifMatch !== undefined
      ? matches(ifMatch, etag)
      : ifUnmodifiedSince === undefined || modified <= seconds(ifUnmodifiedSince)) &&
    (ifNoneMatch !== undefined
      ? !matches(ifNoneMatch, etag)
      : ifModifiedSince === undefined || modified > seconds(ifModifiedSince));
  if (!holds) throw new BatchError('ConditionNotMet');
}
