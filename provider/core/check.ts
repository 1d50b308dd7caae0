import type { CheckFailure } from './kind.js';
import { holdsUnknown, isObject, type Properties } from './json.js';
import { holdsSecret } from './secrets.js';

interface Issue {
  path: PropertyKey[];
  message: string;
}
export interface Schema {
  safeParse(
    value: unknown,
  ): { success: true; data: unknown } | { success: false; error: { issues: readonly Issue[] } };
}

/**
 * What is wrong with a wire body, in the words of the inputs (`news`) it was made from. `toInput` turns
 * a wire path into an input path. A value that is not known yet, or anything next to one, is left to the service.
 */
export function schemaFailures(
  schema: Schema,
  body: Properties,
  news: Properties,
  toInput: (path: string[]) => string[],
): CheckFailure[] {
  const result = schema.safeParse(body);
  if (result.success) return [];
  return result.error.issues
    .filter((issue) => !touchesUnknown(body, issue.path))
    .map((issue) => {
      const path = toInput(issue.path.map(String));
      const [first = '', ...inner] = path;
      // Pulumi prints the value of the property that a failure names.
      const property = holdsSecret(news[first]) ? '' : first;
      const place = inner.length > 0 || property === '' ? `${dotted(path)}: ` : '';
      return { property, reason: `${place}${issue.message}` };
    });
}

function dotted(path: string[]): string {
  return path
    .map((part, at) => (/^\d+$/.test(part) ? `[${part}]` : at === 0 ? part : `.${part}`))
    .join('');
}

/** True where the value that an issue is about, or its neighbours, are unknown. */
function touchesUnknown(body: Properties, path: PropertyKey[]): boolean {
  let place: unknown = body;
  for (const part of path.slice(0, -1)) place = child(place, part);
  const last = path.at(-1);
  return last === undefined
    ? holdsUnknown(body)
    : holdsUnknown(place) && (place !== body || holdsUnknown(child(body, last)));
}

function child(place: unknown, part: PropertyKey): unknown {
  if (Array.isArray(place)) return place[Number(part)] as unknown;
  return isObject(place) ? place[String(part)] : undefined;
}

/** Failures for inputs that are missing, unknown by name or of the wrong JSON type. */
export function shapeFailures(
  news: Properties,
  shape: Readonly<Record<string, 'text' | 'whole' | 'yes or no' | 'list' | 'object'>>,
  required: readonly string[],
): CheckFailure[] {
  const failures: CheckFailure[] = [];
  for (const name of required)
    if (news[name] === undefined || news[name] === null || news[name] === '')
      failures.push({ property: name, reason: 'is required' });
  for (const [name, value] of Object.entries(news)) {
    if (name.startsWith('__') || value === undefined || value === null) continue;
    const wanted = shape[name];
    if (wanted === undefined) {
      failures.push({
        property: name,
        reason: `is unknown here; known are ${Object.keys(shape).join(', ')}`,
      });
    } else if (!holdsUnknown(value) && !fits(value, wanted)) {
      failures.push({ property: name, reason: `must be ${WORDS[wanted]}` });
    }
  }
  return failures;
}

const WORDS = {
  text: 'a text',
  whole: 'a whole number',
  'yes or no': 'true or false',
  list: 'a list',
  object: 'an object',
};

function fits(value: unknown, wanted: keyof typeof WORDS): boolean {
  switch (wanted) {
    case 'text':
      return typeof value === 'string';
    case 'whole':
      return Number.isInteger(value);
    case 'yes or no':
      return typeof value === 'boolean';
    case 'list':
      return Array.isArray(value);
    case 'object':
      return isObject(value);
  }
}
