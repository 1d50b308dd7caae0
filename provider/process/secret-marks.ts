import { isObject, pureObject, type Properties } from '../core/json.js';
import { isSecretName } from '../core/secrets.js';

/** How Pulumi writes a secret where a value would stand: an object with this key and this text. */
const SIGNATURE_KEY = '4dabf18193072939515e22adb298388d';
const SECRET = '1b47061264138c4ac30d75fd1eb44270';

/** Where secrets were in what Pulumi sent: the whole value, or some of its properties or items. */
export type Marks = true | ReadonlyMap<string, Marks>;
export const NO_MARKS: Marks = new Map<string, Marks>();

/** Plain JSON of what Pulumi sent, and where it was secret. Takes wrapped and plain values alike. */
function unwrap(sent: unknown): { value: unknown; marks: Marks } {
  if (Array.isArray(sent)) {
    const items = sent.map(unwrap);
    return {
      value: items.map(({ value }) => value),
      marks: gathered(items.map(({ marks }, at) => [String(at), marks])),
    };
  }
  if (!isObject(sent)) return { value: sent, marks: NO_MARKS };
  if (sent[SIGNATURE_KEY] === SECRET) return { value: unwrap(sent.value).value, marks: true };
  const parts = Object.entries(sent).map(([name, item]) => [name, unwrap(item)] as const);
  return {
    value: Object.fromEntries(parts.map(([name, { value }]) => [name, value])),
    marks: gathered(parts.map(([name, { marks }]) => [name, marks])),
  };
}

/** The properties of a resource, without Pulumi's own ones of dynamic providers. */
export function received(sent: Properties): { value: Properties; marks: Marks } {
  const own = Object.entries(sent).filter(([name]) => !name.startsWith('__'));
  const { value, marks } = unwrap(Object.fromEntries(own));
  return { value: value as Properties, marks };
}

/**
 * What goes back to Pulumi: secret is what was secret when it came, the properties that are declared
 * so, and passwords and keys wherever they stand. A list that is no longer as long as its marks say is
 * secret as a whole.
 */
export function wrapped(
  properties: Properties,
  marks: Marks,
  declared: ReadonlySet<string>,
): Properties {
  return Object.fromEntries(
    Object.entries(pureObject(properties)).map(([name, value]) => [
      name,
      declared.has(name) ? secret(value) : marked(value, markOf(marks, name), name),
    ]),
  );
}

/** Texts of the user's own, which the service gives back without saying whether they are secret. */
const ENVIRONMENT = ['environmentSettings', 'commonEnvironmentSettings'];

/** What was only found, not given: of that, environment variables are taken for secrets. */
export function foundMarks(found: unknown): Marks {
  if (Array.isArray(found))
    return gathered(found.map((item, at) => [String(at), foundMarks(item)]));
  if (!isObject(found)) return NO_MARKS;
  return gathered(
    Object.entries(found).map(([name, item]) => [
      name,
      ENVIRONMENT.includes(name) ? true : foundMarks(item),
    ]),
  );
}

/** True where a secret was anywhere in the property. */
export const holdsMark = (marks: Marks, name: string): boolean => {
  const mark = markOf(marks, name);
  return mark === true || mark.size > 0;
};

function marked(value: unknown, marks: Marks, name: string): unknown {
  if (marks === true || isSecretName(name)) return secret(value);
  if (Array.isArray(value)) {
    const last = Math.max(-1, ...[...marks.keys()].map(Number));
    const list = value.map((item, at) => marked(item, markOf(marks, String(at)), ''));
    return last >= value.length ? secret(value) : list;
  }
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, marked(item, markOf(marks, key), key)]),
  );
}

const secret = (value: unknown) => ({ [SIGNATURE_KEY]: SECRET, value });

const markOf = (marks: Marks, name: string): Marks =>
  marks === true ? true : (marks.get(name) ?? NO_MARKS);

const gathered = (parts: (readonly [string, Marks])[]): Marks =>
  new Map(parts.filter(([, marks]) => marks === true || marks.size > 0));
