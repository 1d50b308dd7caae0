import { metadataFailures } from './account-of.js';
import { schemaFailures, shapeFailures, type Schema } from './check.js';
import { compare, diffResult, replacedBy, type Rule } from './compare.js';
import { holdsUnknown, isObject, objectOf, type Properties } from './json.js';
import type { CheckFailure, CheckResult, DiffResult } from './kind.js';
import { timeoutsFailures } from './timeouts.js';

export type Shape = Readonly<Record<string, 'text' | 'whole' | 'yes or no' | 'list' | 'object'>>;

/** Inputs that every child of an account takes. */
export const CHILD_SHAPE = {
  accountName: 'text',
  resourceGroupName: 'text',
  connection: 'object',
  owner: 'text',
  adoptExisting: 'yes or no',
  timeouts: 'object',
} as const satisfies Shape;

/** How the inputs of a resource become a body of the data plane, and what its changes ask for. */
export interface WireKind {
  shape: Shape;
  required: readonly string[];
  /** Input that holds the id. */
  idInput: string;
  schema: Schema;
  /** The body of the add operation, without the owner's mark. */
  toWire(inputs: Properties): Properties;
  /** A path in that body to the path of the input. */
  toInput(path: string[]): string[];
  /** Inputs outside the body whose change replaces, beside those that name the account. */
  immutable?: readonly string[];
  /** Per property of the body; whatever isn't named replaces. */
  rules: Readonly<Record<string, Rule>>;
}

export function wireCheck(
  kind: WireKind,
  news: Properties,
  more: CheckFailure[] = [],
): CheckResult {
  const shape = shapeFailures(news, kind.shape, kind.required);
  if (shape.length > 0) return { inputs: news, failures: shape };
  const failures = [
    ...schemaFailures(kind.schema, kind.toWire(news), news, (path) => kind.toInput(path)),
    ...metadataFailures(news.metadata),
    ...timeoutsFailures(news.timeouts),
    ...more,
  ];
  return { inputs: news, failures };
}

/** What differs on the wire, by wire name, and the inputs that force a replacement. */
export function wireChanges(
  kind: WireKind,
  olds: Properties,
  news: Properties,
): { changed: string[]; replaces: string[] } {
  const before = kind.toWire(olds);
  const after = kind.toWire(news);
  const inputOf = (name: string) => kind.toInput([name])[0] ?? name;
  const filled = objectOf(fillUnknown(after, before));
  const pair = normalPair(kind.schema, before, filled);
  const { changed, replaces } = compare(pair.before, pair.after, kind.rules, inputOf);
  for (const [name, value] of Object.entries(after)) {
    if (!holdsUnknown(value)) continue;
    if (!changed.includes(name)) changed.push(name);
    if ((kind.rules[name] ?? 'replace') === 'replace') replaces.push(inputOf(name));
  }
  const outside = ['accountName', 'resourceGroupName', ...(kind.immutable ?? [])];
  replaces.push(...replacedBy(olds, news, outside));
  return { changed, replaces: [...new Set(replaces)] };
}

export function wireDiff(kind: WireKind, olds: Properties, news: Properties): DiffResult {
  const { changed, replaces } = wireChanges(kind, olds, news);
  const names = [kind.idInput, 'accountName', ...(kind.immutable ?? [])];
  return diffResult(changed.length > 0, replaces, names);
}

/** The inputs among the outputs of a resource. */
export const inputsIn = (shape: Shape, props: Properties): Properties =>
  Object.fromEntries(Object.entries(props).filter(([name]) => name in shape));

/** Both in the service's normal form, or both as they are where one of them has none. */
export function normalPair(
  schema: Schema,
  before: Properties,
  after: Properties,
): { before: Properties; after: Properties } {
  const [one, other] = [normalForm(schema, before), normalForm(schema, after)];
  return one && other ? { before: one, after: other } : { before, after };
}

/** Properties that aren't valid (such as a user whose password nobody tells) stay as they are. */
function normalForm(schema: Schema, body: Properties): Properties | undefined {
  const result = schema.safeParse(body);
  if (result.success) return objectOf(result.data);
  const invalid = new Set(result.error.issues.map(({ path }) => String(path[0])));
  const split = (keep: boolean) =>
    Object.fromEntries(Object.entries(body).filter(([name]) => invalid.has(name) !== keep));
  const rest = schema.safeParse(split(true));
  return rest.success ? { ...objectOf(rest.data), ...split(false) } : undefined;
}

/** Puts the old value in the place of what is not known yet, so that the rest can be compared. */
function fillUnknown(value: unknown, old: unknown): unknown {
  if (typeof value === 'string') return holdsUnknown(value) ? old : value;
  if (Array.isArray(value))
    return value.map((item, at) =>
      fillUnknown(item, Array.isArray(old) ? (old[at] as unknown) : undefined),
    );
  if (!isObject(value)) return value;
  const from = objectOf(old);
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, fillUnknown(item, from[key])]),
  );
}
