import { invalidQueryParameter } from './filter.js';

/** A body with the selected properties alone. */
export type Select = (body: object) => object;

/** What a `$select` names; undefined: it is left out or empty, and everything is asked for. */
export const selectedNames = (text: string | undefined): readonly string[] | undefined =>
  text === undefined || text.trim() === '' ? undefined : text.split(',').map((part) => part.trim());

/**
 * `$select`: top-level names with commas, blanks around them allowed. Throws
 * InvalidQueryParameterValue for a name that the entity doesn't have. Names are case-sensitive.
 */
export function parseSelect(text: string | undefined, names: readonly string[]): Select {
  const selected = selectedNames(text);
  if (selected === undefined) return (body) => body;
  const unknown = selected.find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw invalidQueryParameter(
      '$select',
      (text ?? '').slice(0, 1024),
      `'${unknown.slice(0, 64)}' can't be selected; allowed are ${names.join(', ')}`,
    );
  const chosen = new Set(selected);
  return (body) => Object.fromEntries(Object.entries(body).filter(([name]) => chosen.has(name)));
}
