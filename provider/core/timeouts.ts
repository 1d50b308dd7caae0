import { parseDuration } from '../../protocol/time.js';
import { holdsUnknown, objectOf } from './json.js';
import type { CheckFailure } from './kind.js';

/** `timeouts` holds ISO 8601 durations for create, update and delete, and nothing else. */
export function timeoutsFailures(timeouts: unknown): CheckFailure[] {
  return Object.entries(objectOf(timeouts)).flatMap(([step, value]): CheckFailure[] => {
    if (!['create', 'update', 'delete'].includes(step))
      return [{ property: 'timeouts', reason: `${step}: only create, update and delete have one` }];
    if (holdsUnknown(value) || (typeof value === 'string' && parseDuration(value) !== undefined))
      return [];
    return [
      { property: 'timeouts', reason: `${step}: must be an ISO 8601 duration such as PT20M` },
    ];
  });
}
