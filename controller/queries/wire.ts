import { OPAQUE_PROPERTIES, SECRET_PROPERTIES } from '../../protocol/batch/secret-properties.js';
import { formatTime } from '../../protocol/time.js';
import type { FailureInfo } from '../../protocol/agent/event.js';

/** A copy of a specification as clients may see it: no secrets, nothing null or undefined. */
export function visible<T>(value: T): T {
  if (Array.isArray(value)) return value.map((item: unknown) => visible(item)) as T;
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value)
    .filter(
      ([name, inner]) => !SECRET_PROPERTIES.has(name) && inner !== undefined && inner !== null,
    )
    .map(([name, inner]): [string, unknown] => [
      name,
      OPAQUE_PROPERTIES.has(name) ? inner : visible(inner),
    ]);
  return Object.fromEntries(kept) as T;
}

/** The object without its absent properties: JSON has no undefined, and the wire has no null. */
export function present(properties: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined));
}

/** A time of the wire, where there is one. */
export const timeOf = (ms: number | undefined): string | undefined =>
  ms === undefined ? undefined : formatTime(ms);

/** State and, once there was a transition, the state before it. */
export const stateOf = (entity: {
  state: string;
  stateTransitionTime: number;
  previousState?: string;
  previousStateTransitionTime?: number;
}): Record<string, unknown> =>
  present({
    state: entity.state,
    stateTransitionTime: formatTime(entity.stateTransitionTime),
    previousState: entity.previousState,
    previousStateTransitionTime:
      entity.previousState === undefined ? undefined : timeOf(entity.previousStateTransitionTime),
  });

/** Why it failed, in the wire's order of properties. */
export const failureOf = (failure: FailureInfo | undefined): object | undefined =>
  failure === undefined
    ? undefined
    : {
        category: failure.category,
        code: failure.code,
        message: failure.message,
        details: failure.details,
      };

/** Only for the account's own endpoint: `pools/a/nodes/b` to an absolute URL. */
export const urlOf = (baseUrl: string, ...segments: string[]): string =>
  [baseUrl, ...segments].join('/');
