import type { Item, Source } from './state.js';

/** `{{0}}`, `{0}`, `{0:4}`, `{name}`. */
const PLACEHOLDER = /\{\{(\w+)\}\}|\{(\w+)(?::(\d{1,2}))?\}/g;

type Piece = string | { name: string; width: number };

/** A task's body as text, cut at its placeholders: filling it in is joining strings. */
export type Template = readonly Piece[];

/** Cuts the JSON text of a body. Names that no item has stay as they are. */
export function parseTemplate(json: string, isName: (name: string) => boolean): Template {
  const pieces: Piece[] = [];
  let from = 0;
  const text = (piece: string) => {
    if (piece !== '') pieces.push(piece);
  };
  for (const match of json.matchAll(PLACEHOLDER)) {
    const [whole, quoted, name, width] = match;
    if (!isName(quoted ?? name ?? '')) continue;
    text(json.slice(from, match.index));
    from = match.index + whole.length;
    if (quoted !== undefined) text(`{${quoted}}`);
    else if (name !== undefined) pieces.push({ name, width: Number(width ?? 0) });
  }
  text(json.slice(from));
  return pieces;
}

/** Placeholders by position that a body has: `{3}` is 3. */
export const positionsOf = (json: string): number[] =>
  [...json.matchAll(PLACEHOLDER)].flatMap(([, , name]) =>
    name !== undefined && /^\d+$/.test(name) ? [Number(name)] : [],
  );

export function fill(template: Template, values: Readonly<Record<string, string>>): string {
  let json = '';
  for (const piece of template)
    json +=
      typeof piece === 'string'
        ? piece
        : JSON.stringify(padded(values[piece.name] ?? '', piece.width)).slice(1, -1);
  return json;
}

function padded(value: string, width: number): string {
  return value.startsWith('-')
    ? `-${value.slice(1).padStart(width - 1, '0')}`
    : value.padStart(width, '0');
}

/** Numbers of a range, both ends included. */
const lengthOf = ({ start, end, step }: { start: number; end: number; step: number }) =>
  Math.floor((end - start) / step) + 1;

/** Tasks that a source makes: the product of all ranges, or one an item. */
export const countOf = (source: Source): number =>
  source.kind === 'list'
    ? source.items.length
    : source.sets.reduce((product, set) => product * lengthOf(set), 1);

/** What the task at this index gets; the last range of a sweep changes fastest. */
export function valuesOf(source: Source, index: number): Record<string, string> {
  if (source.kind === 'list') return named(source.items[index] ?? []);
  const values: Record<string, string> = {};
  let rest = index;
  for (let at = source.sets.length - 1; at >= 0; at -= 1) {
    const set = source.sets[at];
    if (set === undefined) break;
    const length = lengthOf(set);
    values[at] = String(set.start + (rest % length) * set.step);
    rest = Math.floor(rest / length);
  }
  return values;
}

const named = (item: Item): Record<string, string> =>
  typeof item === 'string'
    ? { 0: item }
    : Array.isArray(item)
      ? Object.fromEntries((item as readonly string[]).map((value, at) => [String(at), value]))
      : { ...(item as Record<string, string>) };

/** The names that every item has. */
export function namesOf(source: Source): Set<string> {
  if (source.kind === 'sweep') return new Set(source.sets.map((_, at) => String(at)));
  let names: Set<string> | undefined;
  for (const item of source.items) {
    const values = named(item);
    if (names === undefined) names = new Set(Object.keys(values));
    else for (const name of names) if (!(name in values)) names.delete(name);
  }
  return names ?? new Set();
}

/** For each name the longest value of all: a body that is right with these is right with all. */
export function longestOf(source: Source): Record<string, string> {
  const longest: Record<string, string> = {};
  const take = (values: Record<string, string>) => {
    for (const [name, value] of Object.entries(values))
      if (value.length > (longest[name]?.length ?? -1)) longest[name] = value;
  };
  if (source.kind === 'list') for (const item of source.items) take(named(item));
  else
    for (const [at, { start, end }] of source.sets.entries())
      for (const value of [start, end]) take({ [at]: String(value) });
  return longest;
}
