import fc from 'fast-check';

/** The parts of a JSON schema that z.toJSONSchema writes for request bodies. */
export interface JsonSchema {
  type?: string | string[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  enum?: unknown[];
  const?: unknown;
  anyOf?: JsonSchema[];
  allOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  additionalProperties?: boolean | JsonSchema;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  format?: string;
}

/** Strings that some layer below might take for something else. */
export const HOSTILE_TEXTS = [
  '',
  ' ',
  '\u0000',
  "'; DROP TABLE task; --",
  '" OR 1=1 --',
  '%',
  '_',
  '../../../etc/passwd',
  '..\\..\\windows',
  '/',
  'a/b',
  'a\nb',
  '\ud800',
  '\u202e',
  '\ufeff',
  '𝕗𝕦𝕫𝕫',
  '$(reboot)',
  '${jndi:x}',
  '__proto__',
  'constructor',
  'x'.repeat(70),
  'x'.repeat(40_000),
  'P99999999999D',
  '-PT1S',
  'PT1.123456789S',
  '2026-02-30T00:00:00Z',
  '2026-01-01',
  '+275760-09-13T00:00:00.001Z',
  'null',
  '[object Object]',
  'http://',
  'file:///etc/passwd',
];

const hostileValue = fc.oneof(
  fc.constantFrom<unknown>(...HOSTILE_TEXTS),
  fc.constantFrom<unknown>(
    ...[0, -1, -0.5, 1.5, 1e308, -1e308, 2 ** 31, -(2 ** 31) - 1, 2 ** 53, 1e21],
    ...[true, false, null, [], {}, [[]], [null], [{}], { __proto__: null, toString: 1 }],
  ),
  fc.jsonValue({ maxDepth: 3 }),
);

function textOf(schema: JsonSchema): fc.Arbitrary<unknown> {
  if (schema.format === 'date-time') return fc.constantFrom('2030-01-01T00:00:00Z');
  if (schema.format === 'duration') return fc.constantFrom('PT5M', 'PT1H', 'P7D', 'PT0S');
  if (schema.pattern?.startsWith('^https?') === true) return fc.constant('http://127.0.0.1:9/x');
  if (schema.pattern !== undefined) return fc.stringMatching(new RegExp(schema.pattern));
  return fc.constantFrom('a', 'fuzz', '/bin/true', 'fuzz-pool', 'standard_d1_v2');
}

/** What the schema allows, without the mutations. */
function honest(schema: JsonSchema, name: string): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return fc.oneof(...choices.map((one) => valueOf(one, name)));
  if (schema.properties !== undefined) return objectOf(schema, schema.properties);
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (type === 'array') return fc.array(valueOf(schema.items ?? {}, name), { maxLength: 3 });
  if (type === 'boolean') return fc.boolean();
  if (type === 'integer' || type === 'number')
    return fc.integer({
      min: Math.max(schema.minimum ?? 0, -1000),
      max: Math.min(schema.maximum ?? 3, Math.max(schema.minimum ?? 0, -1000) + 3),
    });
  if (type === 'string') return textOf(schema);
  if (type === 'object') return fc.constant({});
  return hostileValue;
}

function objectOf(
  schema: JsonSchema,
  properties: Record<string, JsonSchema>,
): fc.Arbitrary<unknown> {
  const values = Object.fromEntries(
    Object.entries(properties).map(([name, inner]) => [name, valueOf(inner, name)]),
  );
  const few = (record: Record<string, unknown>, kept: number) =>
    Object.fromEntries(
      Object.entries(record).filter(
        ([name], at) => schema.required?.includes(name) === true || (at * 7 + kept) % 5 === 0,
      ),
    );
  // A few of the optional properties: with all of them something would always be wrong.
  const known = fc.tuple(fc.record(values), fc.nat(5)).map(([record, kept]) => few(record, kept));
  const unknown = fc.record({ notKnown: hostileValue, Id: hostileValue });
  return fc
    .tuple(known, fc.option(unknown, { freq: 2, nil: undefined }))
    .map(([own, more]) => ({ ...more, ...own }));
}

/** Mostly what the schema allows, so that requests get far; now and then something else. */
export const valueOf = (schema: JsonSchema, name = ''): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 30, arbitrary: honest(schema, name) }, { weight: 1, arbitrary: hostileValue });
