import { isObject, same, type Properties } from '../core/json.js';
import type { Kind } from '../core/kind.js';

export type Change =
  'add' | 'add and replace' | 'delete' | 'delete and replace' | 'update' | 'update and replace';

/**
 * Where inputs differ, by path (`scaleSettings.fixedScale.targetDedicatedNodes`), and whether that
 * replaces the resource. What differs in spelling alone is left out: the kind itself is asked about each property.
 */
export function detailedDiff(
  kind: Kind,
  id: string,
  olds: Properties,
  news: Properties,
  replaces: readonly string[],
  inputs: ReadonlySet<string>,
): Map<string, Change> {
  const changes = new Map<string, Change>();
  for (const name of inputs) {
    if (same(olds[name] ?? undefined, news[name] ?? undefined)) continue;
    const { [name]: _old, ...rest } = olds;
    const alone = kind.diff(
      id,
      olds,
      news[name] === undefined ? rest : { ...rest, [name]: news[name] },
    );
    if (!alone.changes && !replaces.includes(name)) continue;
    const replacing = alone.replaces.length > 0 || replaces.includes(name);
    for (const [path, change] of leaves(name, olds[name], news[name]))
      changes.set(path, replacing ? `${change} and replace` : change);
  }
  // What replaces it without a visible change, such as the content of a file.
  for (const name of replaces)
    if (![...changes.keys()].some((path) => firstOf(path) === name))
      changes.set(name, 'update and replace');
  return changes;
}

const firstOf = (path: string) => /^[^.[]*/.exec(path)?.[0];

function leaves(path: string, old: unknown, now: unknown): [string, 'add' | 'delete' | 'update'][] {
  if (same(old, now)) return [];
  if (old === undefined || old === null) return [[path, 'add']];
  if (now === undefined || now === null) return [[path, 'delete']];
  if (Array.isArray(old) && Array.isArray(now))
    return [...Array(Math.max(old.length, now.length)).keys()].flatMap((at) =>
      leaves(`${path}[${String(at)}]`, old[at], now[at]),
    );
  if (isObject(old) && isObject(now))
    return [...new Set([...Object.keys(old), ...Object.keys(now)])].flatMap((name) =>
      leaves(`${path}${step(name)}`, old[name], now[name]),
    );
  return [[path, 'update']];
}

/** Names that are no plain words stand in brackets. */
const step = (name: string) =>
  /^[A-Za-z_]\w*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
