import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { FUNCTIONS } from '../../provider/core/functions/functions.js';
import { UNKNOWN } from '../../provider/core/json.js';
import { isSecretName } from '../../provider/core/secrets.js';
import { KIND_NAMES } from '../../provider/dynamic/pointer.js';
import { SERVED } from '../../provider/process/kinds.js';
import {
  describePackage,
  SCHEMA_FILE,
  schemaText,
  type Schema,
} from '../../scripts/provider-schema.mjs';

let schema: Schema;
let hidden: Record<string, string | undefined>;
beforeAll(() => {
  ({ schema, hidden } = describePackage({
    kinds: SERVED,
    functions: FUNCTIONS,
    isSecretName,
    unknown: UNKNOWN,
  }));
});
const titleOf = (kind: string) => kind.charAt(0).toUpperCase() + kind.slice(1);

describe('provider/process/schema.json', () => {
  it('is what node scripts/provider-schema.mjs makes of the resource classes', () => {
    expect(readFileSync(SCHEMA_FILE, 'utf8')).toBe(schemaText(schema));
  });
  it('has every kind, under a token and an alias that never change', () => {
    const expected = [...KIND_NAMES].map(titleOf).sort();
    expect(Object.keys(schema.resources)).toEqual(
      expected.map((title) => `batchyard:index:${title}`),
    );
    for (const title of expected)
      expect(schema.resources[`batchyard:index:${title}`]?.aliases).toEqual([
        { type: `pulumi-nodejs:dynamic/batchyard:${title}` },
      ]);
  });
  it('knows the inputs that the core takes, and no others', async () => {
    for (const kind of KIND_NAMES) {
      const { failures } = await SERVED[kind].kind.check({}, { 'no such input': 1 });
      const [, known = ''] =
        /known are (.*)$/.exec(
          failures.find(({ property }) => property === 'no such input')?.reason ?? '',
        ) ?? [];
      const own = ['owner', 'workingDirectory', 'sourceDigest', 'fileDigests'];
      const taken = known.split(', ').filter((name) => !own.includes(name));
      const inputs = schema.resources[`batchyard:index:${titleOf(kind)}`]?.inputProperties ?? {};
      expect(Object.keys(inputs).sort(), kind).toEqual(taken.sort());
    }
  });
  it('describes every input and says what replaces a resource where it does', () => {
    /** What replaces in part or by its content is said in the description alone, and the class of Task says it once for all. */
    const said = /\b[Aa] change (of anything else )?replaces/;
    for (const kind of KIND_NAMES.filter((name) => !['task', 'job'].includes(name)))
      for (const [name, input] of Object.entries(
        schema.resources[`batchyard:index:${titleOf(kind)}`]?.inputProperties ?? {},
      )) {
        if (input.$ref === undefined) expect(input.description, `${kind}.${name}`).toBeTruthy();
        const exception = kind === 'certificate';
        if (!exception)
          expect(said.test(input.description ?? ''), `${kind}.${name}`).toBe(
            input.willReplaceOnChanges === true,
          );
      }
  });
  it('keeps every password and key secret, wherever it stands', () => {
    const { types } = schema;
    for (const [type, name] of [
      ['UserAccount', 'password'],
      ['UserAccountLinuxUserConfiguration', 'sshPrivateKey'],
      ['ContainerRegistry', 'password'],
    ] as const)
      expect(types[`batchyard:index:${type}`]?.properties?.[name]?.secret, `${type}.${name}`).toBe(
        true,
      );
    expect(schema.resources['batchyard:index:Account']?.properties.primaryKey?.secret).toBe(true);
    expect(schema.provider.inputProperties.adminToken?.secret).toBe(true);
  });
});

it('the process adds to the inputs what the classes add', () => {
  for (const kind of KIND_NAMES) expect(SERVED[kind].hidden, kind).toBe(hidden[kind]);
});
