#!/usr/bin/env node
// Writes provider/process/schema.json, Pulumi's description of the package, from the very classes and functions of
// the dynamic resources, and from the core for what a change does. A test fails where the file is behind.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { plainFunctions, resourceClasses } from './provider-schema/declarations.mjs';
import { memberReader } from './provider-schema/members.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const provider = join(root, 'provider');
export const SCHEMA_FILE = join(provider, 'process', 'schema.json');
const PREFIX = 'batchyard:index:';
const DYNAMIC_PREFIX = 'pulumi-nodejs:dynamic/batchyard:';
/** The provider's own configuration: of a resource's `connection` all but the key of one account. */
const CONFIGURATION = ['endpoint', 'adminToken', 'caFile'];
const SECRET_CONFIGURATION = ['adminToken'];

/**
 * @param {{kinds: Record<string, {kind: object}>, functions: Record<string, {secret?: readonly string[]}>,
 *   isSecretName: (name: string) => boolean, unknown: string}} core  what the running code says
 * @returns {{schema: object, hidden: Record<string, string | undefined>}} `hidden`: what the classes pass by themselves, by kind
 */
export function describePackage({ kinds, functions, isSecretName, unknown }) {
  const { checker, exported } = load();
  const classes = resourceClasses(checker, exported);
  const reader = memberReader(checker, {
    prefix: PREFIX,
    isSecretName,
    taken: new Set(classes.map(({ symbol }) => symbol.getName())),
  });
  const resources = classes.map((one) => {
    const { kind } = kinds[one.declared.kind] ?? {};
    if (!kind) throw new Error(`${one.declared.className}: the process serves no such kind`);
    return [one.declared.className, resource(reader, checker, one, kind, unknown)];
  });
  const lookUps = plainFunctions(checker, exported, Object.keys(functions)).map((one) => [
    one.name,
    lookUp(reader, one, functions[one.name]),
  ]);
  const tokens = (entries) =>
    Object.fromEntries(
      entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => [PREFIX + name, value]),
    );
  return {
    schema: {
      ...head(),
      ...configuration(reader.types.Connection),
      types: tokens(Object.entries(reader.types)),
      resources: tokens(resources),
      functions: tokens(lookUps),
    },
    hidden: Object.fromEntries(classes.map(({ declared, hidden }) => [declared.kind, hidden])),
  };
}

function load() {
  const path = join(provider, 'tsconfig.json');
  const { config } = ts.readConfigFile(path, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, provider);
  const entry = join(provider, 'index.ts');
  const program = ts.createProgram([entry], options);
  const checker = program.getTypeChecker();
  const module = checker.getSymbolAtLocation(program.getSourceFile(entry));
  return { checker, exported: checker.getExportsOfModule(module) };
}

function resource(reader, checker, { symbol, declared, args, outputs }, kind, unknown) {
  const { className, secret } = declared;
  const inputs = reader.membersOf(args, className);
  for (const [name, input] of Object.entries(inputs.properties)) {
    if (secret.includes(name) || name === 'connection') input.secret = true;
    if (replaces(kind, name, unknown)) input.willReplaceOnChanges = true;
    const value = defaultOf(input);
    if (value !== undefined && meansNothing(kind, name, value)) input.default = value;
  }
  const computed = {};
  const always = [...(inputs.required ?? [])];
  for (const member of outputs) {
    const name = member.name.getText();
    if (name in inputs.properties) continue;
    const type = checker.getTypeAtLocation(member);
    computed[name] = {
      ...reader.memberOf(type, `${className}${name}`),
      ...reader.description(member.symbol),
      ...(secret.includes(name) && { secret: true }),
    };
    if (!/\| undefined>$/.test(checker.typeToString(type))) always.push(name);
  }
  const echoed = Object.fromEntries(
    Object.entries(inputs.properties).map(
      ([name, { default: _value, willReplaceOnChanges: _replaces, ...output }]) => [name, output],
    ),
  );
  return {
    ...reader.description(symbol),
    properties: { ...echoed, ...computed },
    required: always.sort(),
    inputProperties: inputs.properties,
    requiredInputs: inputs.required ?? [],
    // A stack of dynamic resources goes on with these ones.
    aliases: [{ type: DYNAMIC_PREFIX + className }],
  };
}

/** The core takes a value that is not known yet for a change. */
function replaces(kind, name, unknown) {
  const before = { accountName: 'yard' };
  return kind.diff('', before, { ...before, [name]: unknown }).replaces.includes(name);
}

/** Whether a default can be spelled out without being a change: only then may SDKs do so. */
function meansNothing(kind, name, value) {
  const before = { accountName: 'yard' };
  return !kind.diff('', before, { ...before, [name]: value }).changes;
}

/** What the description of a scalar says: default `x`, default 1, default true. False goes without saying. */
function defaultOf({ type, description = '' }) {
  const [, text, word] = /\bdefault (?:`([^`]+)`|(-?\d+|true)\b)/i.exec(description) ?? [];
  if (type === 'string') return text;
  if (type === 'integer' && word !== undefined && word !== 'true') return Number(word);
  return type === 'boolean' && word === 'true' ? true : undefined;
}

function lookUp(reader, { name, symbol, args, result }, { secret = [] }) {
  const { properties, required } = reader.membersOf(args, `${name}Args`);
  const outputs = reader.membersOf(result, `${name}Result`);
  for (const one of secret) outputs.properties[one].secret = true;
  return {
    ...reader.description(symbol),
    inputs: {
      type: 'object',
      properties: { ...properties, connection: { ...properties.connection, secret: true } },
      required,
    },
    outputs: { type: 'object', ...outputs },
  };
}

function configuration({ properties }) {
  const variables = Object.fromEntries(
    CONFIGURATION.map((name) => [
      name,
      {
        ...properties[name],
        description: `${properties[name].description} Environment: \`BATCHYARD_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}\`.`,
        ...(SECRET_CONFIGURATION.includes(name) && { secret: true }),
      },
    ]),
  );
  return {
    config: { variables },
    provider: {
      description:
        'How to reach the controller. What is not given here comes from the environment.',
      inputProperties: variables,
    },
  };
}

function head() {
  const { version, description, license } = JSON.parse(
    readFileSync(join(provider, 'package.json'), 'utf8'),
  );
  return {
    name: 'batchyard',
    displayName: 'Batchyard',
    version,
    description,
    license,
    language: {
      nodejs: {
        packageName: '@batchyard/sdk',
        dependencies: { '@pulumi/pulumi': '^3.245.0' },
        respectSchemaVersion: true,
      },
      go: {
        importBasePath: 'github.com/batchyard/batchyard/sdk/go/batchyard',
        respectSchemaVersion: true,
      },
      python: { packageName: 'batchyard_sdk', respectSchemaVersion: true },
    },
  };
}

/** What the running code says, from the sources. */
async function core() {
  const { tsImport } = await import('tsx/esm/api');
  const from = (path) => tsImport(`../provider/${path}`, import.meta.url);
  const [{ SERVED }, { FUNCTIONS }, { isSecretName }, { UNKNOWN }] = await Promise.all([
    from('process/kinds.ts'),
    from('core/functions/functions.ts'),
    from('core/secrets.ts'),
    from('core/json.ts'),
  ]);
  return { kinds: SERVED, functions: FUNCTIONS, isSecretName, unknown: UNKNOWN };
}

export const schemaText = (schema) => `${JSON.stringify(schema, null, 2)}\n`;

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { schema } = describePackage(await core());
  writeFileSync(SCHEMA_FILE, schemaText(schema));
}
