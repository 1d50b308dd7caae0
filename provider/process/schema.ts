import text from './schema.json' with { type: 'json' };
import type { KindName } from '../dynamic/pointer.js';

/** As much of Pulumi's package schema as the process itself reads. */
interface Member {
  secret?: boolean;
}
interface Description {
  inputProperties: Record<string, Member>;
  properties: Record<string, Member>;
}
const schema = text as unknown as {
  name: string;
  version: string;
  resources: Record<string, Description>;
  functions: Record<string, { inputs?: { properties: Record<string, Member> } }>;
};

/** `batchyard:index:` and the name of a class. */
const PREFIX = `${schema.name}:index:`;

export const PACKAGE_VERSION = schema.version;
export const schemaText = (): string => JSON.stringify(text);

export interface ResourceSchema {
  kindName: KindName;
  /** As in messages: `Pool`. */
  title: string;
  inputs: ReadonlySet<string>;
  /** Outputs that the service computes. */
  computed: readonly string[];
  secret: ReadonlySet<string>;
}

const known = new Map<string, ResourceSchema>(
  Object.entries(schema.resources).map(([token, { inputProperties, properties }]) => {
    const title = token.slice(PREFIX.length);
    return [
      token,
      {
        // The generator gives every class the name of its kind with a capital letter.
        kindName: `${title.charAt(0).toLowerCase()}${title.slice(1)}` as KindName,
        title,
        inputs: new Set(Object.keys(inputProperties)),
        computed: Object.keys(properties).filter((name) => !(name in inputProperties)),
        secret: new Set(secretsAmong({ ...properties, ...inputProperties })),
      },
    ];
  }),
);

export function resourceSchema(token: string): ResourceSchema {
  const found = known.get(token);
  if (found === undefined)
    throw new Error(
      `there is no resource ${token} in ${schema.name} ${schema.version}; known are ${[...known.keys()].join(', ')}`,
    );
  return found;
}

export const nameOfFunction = (token: string): string | undefined =>
  token.startsWith(PREFIX) && token in schema.functions ? token.slice(PREFIX.length) : undefined;

function secretsAmong(members: Record<string, Member>): string[] {
  return Object.entries(members)
    .filter(([, member]) => member.secret === true)
    .map(([name]) => name);
}
