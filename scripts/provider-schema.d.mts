export interface Member {
  type?: string;
  $ref?: string;
  description?: string;
  default?: unknown;
  secret?: boolean;
  willReplaceOnChanges?: boolean;
}
export interface Schema {
  types: Record<string, { properties?: Record<string, Member> }>;
  resources: Record<
    string,
    {
      inputProperties: Record<string, Member>;
      properties: Record<string, Member>;
      aliases: { type: string }[];
    }
  >;
  provider: { inputProperties: Record<string, Member> };
}
export const SCHEMA_FILE: string;
export function schemaText(schema: Schema): string;
export function describePackage(core: {
  kinds: Readonly<Record<string, { kind: object }>>;
  functions: Readonly<Record<string, { secret?: readonly string[] }>>;
  isSecretName: (name: string) => boolean;
  unknown: string;
}): { schema: Schema; hidden: Record<string, string | undefined> };
