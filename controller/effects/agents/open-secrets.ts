import { SECRET_PROPERTIES } from '../../../protocol/batch/secret-properties.js';

/**
 * The value with what was sealed in it opened, for the node that needs it. Secrets that a data folder of
 * the first versions kept as they came stay as they are. A part without a secret is the same object.
 */
export function openSecrets<T>(open: (text: string) => string, value: T): T {
  return opened(open, value) as T;
}

function opened(open: (text: string) => string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) => opened(open, item));
    return items.some((item, at) => item !== value[at]) ? items : value;
  }
  const from = value as Record<string, unknown>;
  let changed: Record<string, unknown> | undefined;
  // Every assignment comes through here: nothing is made where there is nothing to open.
  for (const name of Object.keys(from)) {
    const inner = from[name];
    const isSecret = typeof inner === 'string' && SECRET_PROPERTIES.has(name);
    const outer = isSecret ? open(inner) : opened(open, inner);
    if (outer !== inner) (changed ??= { ...from })[name] = outer;
  }
  return changed ?? value;
}
