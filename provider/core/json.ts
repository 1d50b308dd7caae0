/** Plain JSON as Pulumi carries it: what inputs, outputs and request bodies are made of. */
export type Properties = Record<string, unknown>;

/** What the SDK puts in the place of a value that is not known before `pulumi up`. */
export const UNKNOWN = '04da6b54-80e4-46f7-96ec-b56ff0331ba9';

export const isObject = (value: unknown): value is Properties =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** True for an unknown value and for anything that holds one. */
export function holdsUnknown(value: unknown): boolean {
  if (typeof value === 'string') return value.includes(UNKNOWN);
  if (Array.isArray(value)) return value.some(holdsUnknown);
  return isObject(value) && Object.values(value).some(holdsUnknown);
}

/**
 * The same as pure JSON: `undefined` leaves, a Date becomes ISO text. Anything else that JSON cannot
 * carry throws here, before it can break the answer about an object that exists already.
 */
function pure(value: unknown): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.filter((item) => item !== undefined).map(pure);
  if (isObject(value)) return pureObject(value);
  throw new TypeError(`a ${typeof value} is no JSON`);
}

export function pureObject(value: Properties): Properties {
  const kept = Object.entries(value).filter(
    ([, item]) => item !== undefined && typeof item !== 'function',
  );
  return Object.fromEntries(kept.map(([key, item]) => [key, pure(item)]));
}

/** Deep equality; the order of keys does not count, the order of lists does. */
export function same(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (Array.isArray(one) && Array.isArray(other))
    return one.length === other.length && one.every((item, at) => same(item, other[at]));
  if (!isObject(one) || !isObject(other)) return false;
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...keys].every((key) => same(one[key], other[key]));
}

/** Without the keys whose value is undefined or null. */
export function given(value: Properties): Properties {
  return Object.fromEntries(
    Object.entries(value).filter(([, item]) => item !== undefined && item !== null),
  );
}

export const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
export const objectOf = (value: unknown): Properties => (isObject(value) ? value : {});

/** Lists whose order means nothing, which the service may give back in another one. */
const SETS: ReadonlySet<string> = new Set([
  'metadata',
  'certificates',
  'certificateReferences',
  'applicationPackages',
  'applicationPackageReferences',
  'userAccounts',
  'visibility',
  'taskIds',
  'containerImageNames',
]);

/**
 * What a value means, for comparing: an absent list or object is an empty one, and sets have one order.
 * @param name of the property that holds it
 */
function meaning(value: unknown, name = ''): unknown {
  if (value === null) return undefined;
  if (Array.isArray(value)) {
    const items = value.map((item) => meaning(item));
    if (SETS.has(name)) items.sort(byText);
    return items.length === 0 ? undefined : items;
  }
  if (!isObject(value)) return value;
  const entries = Object.entries(value)
    .map(([key, item]) => [key, meaning(item, key)] as const)
    .filter(([, item]) => item !== undefined)
    .sort(([one], [other]) => (one < other ? -1 : 1));
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** True where two values of the property `name` mean the same. */
export const sameMeaning = (name: string, one: unknown, other: unknown): boolean =>
  same(meaning(one, name), meaning(other, name));

const byText = (one: unknown, other: unknown) => {
  const [a, b] = [JSON.stringify(one) ?? '', JSON.stringify(other) ?? ''];
  return a < b ? -1 : a > b ? 1 : 0;
};
