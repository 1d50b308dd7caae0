import { invalidQueryParameter } from './filter.js';

/** A body with the selected properties alone. */
export type Select = (body: object) => object;

/**
 * `$select`: top-level names with commas, blanks around them allowed. Throws
 * InvalidQueryParameterValue for a name that the entity doesn't have. Names are case-sensitive.
 */
export function parseSelect(text: string | undefined, names: readonly string[]): Select {
  if (text === undefined || text.trim() === '') return (body) => body;
  const chosen = new Set<string>();
  for (const part of text.split(',')) {
    const name = part.trim();
    if (!names.includes(name))
      throw invalidQueryParameter(
        '$select',
        text.slice(0, 1024),
        `'${name.slice(0, 64)}' can't be selected; allowed are ${names.join(', ')}`,
      );
    chosen.add(name);
  }
  return (body) => Object.fromEntries(Object.entries(body).filter(([name]) => chosen.has(name)));
}
