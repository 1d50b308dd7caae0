import { OPAQUE_PROPERTIES, SECRET_PROPERTIES } from '../../protocol/batch/secret-properties.js';

/**
 * The specification with every secret in it sealed: what comes after this (memory, the database, a
 * backup) never holds one in the clear. Passwords of accounts and registries, keys of mounts, protected
 * settings of extensions. A part without a secret is the same object, so that tasks cost nothing.
 */
export function sealSecrets<T>(keys: { seal(text: string): string }, value: T): T {
  return sealed(keys, value) as T;
}

function sealed(keys: { seal(text: string): string }, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) => sealed(keys, item));
    return items.some((item, at) => item !== value[at]) ? items : value;
  }
  const changes: [string, unknown][] = [];
  for (const [name, inner] of Object.entries(value)) {
    if (inner === undefined || inner === null || OPAQUE_PROPERTIES.has(name)) continue;
    const changed = SECRET_PROPERTIES.has(name)
      ? keys.seal(typeof inner === 'string' ? inner : JSON.stringify(inner))
      : sealed(keys, inner);
    if (changed !== inner) changes.push([name, changed]);
  }
  return changes.length === 0 ? value : { ...value, ...Object.fromEntries(changes) };
}
