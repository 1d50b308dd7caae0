import type { JobKey, TaskFactoryKey } from '../../../protocol/keys.js';

/** What each task of a factory gets: by position (`{0}`) or by name (`{filePath}`). */
export type Item = string | readonly string[] | Readonly<Record<string, string>>;

export type Source =
  | { kind: 'sweep'; sets: readonly { start: number; end: number; step: number }[] }
  | { kind: 'list'; items: readonly Item[] };

/**
 * Tasks that are accepted and counted but not all made yet. Its row is written twice: with what the tasks
 * are made of, and without once all are made. How far that is stands in the row of its job.
 */
export interface TaskFactory {
  readonly key: TaskFactoryKey;
  readonly job: JobKey;
  readonly id: string;
  /** Of the request: a repeated one is known by it. */
  readonly fingerprint: string;
  readonly count: number;
  readonly idPrefix: string;
  readonly firstNumber: number;
  readonly idDigits: number;
  /** Of its first task; the others follow, wherever tasks were added meanwhile. */
  readonly firstSequence: number;
  readonly requiredSlots: number;
  readonly creationTime: number;
  /** What its tasks are made of; absent when all are made. */
  plan?: { source: Source; template: string };
}

/** How far a factory of the job is; gone when all its tasks are made. */
export interface Unfolding {
  /** Tasks below this index are made. */
  next: number;
  /** Tasks beyond it that were made before their turn, as somebody asked for them. */
  ahead?: number[];
}

export const idOfTask = (factory: TaskFactory, index: number) =>
  `${factory.idPrefix}${String(factory.firstNumber + index).padStart(factory.idDigits, '0')}`;

/** The index of the task of this id, made or not; undefined where the factory has no such task. */
export function indexOfTask(factory: TaskFactory, taskId: string): number | undefined {
  const { idPrefix, firstNumber, idDigits, count } = factory;
  if (!taskId.toLowerCase().startsWith(idPrefix.toLowerCase())) return undefined;
  const digits = taskId.slice(idPrefix.length);
  if (!/^\d{1,15}$/.test(digits)) return undefined;
  const number = Number(digits);
  if (String(number).padStart(idDigits, '0') !== digits) return undefined;
  const index = number - firstNumber;
  return index >= 0 && index < count ? index : undefined;
}
