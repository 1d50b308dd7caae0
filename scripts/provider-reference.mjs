#!/usr/bin/env node
// Writes docs/reference/, the API reference of the Pulumi package, from the package's schema (which is made
// from the types) and from the types of the component. A test fails where a page is behind.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { SCHEMA_FILE } from './provider-schema.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
export const REFERENCE_FOLDER = join(root, 'docs', 'reference');
const COMPONENT = 'provider/components/batch-cluster.ts';
const NOTE = '<!-- Made by node scripts/provider-reference.mjs: change the types instead. -->';

const nameOf = (token) => token.slice(token.lastIndexOf(':') + 1);
const byName = (entries) => entries.sort(([a], [b]) => (a < b ? -1 : 1));
const cell = (text) => text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ').trim();
const plain = (text) => text.replaceAll(/\s+/g, ' ').trim();

/** @returns {Map<string, string>} name of the page → its text */
export function referencePages(schema) {
  const { resources, types, functions } = schema;
  const pages = new Map();
  for (const [token, resource] of byName(Object.entries(resources)))
    pages.set(`${nameOf(token)}.md`, resourcePage(nameOf(token), resource, types));
  pages.set('BatchCluster.md', componentPage());
  pages.set('functions.md', functionsPage(functions, types));
  pages.set('types.md', typesPage(types));
  const list = [...pages.keys()].map((page) => `- [${page.replace('.md', '')}](${page})`);
  const head =
    'Every resource, function and type of `@batchyard/pulumi`. An editor shows the same.';
  pages.set('README.md', page('Reference of the Pulumi package', [head, '', ...list]));
  return pages;
}

const page = (title, lines) => `# ${title}\n\n${NOTE}\n\n${lines.join('\n')}\n`;

function resourcePage(
  name,
  { description, inputProperties, requiredInputs = [], properties },
  types,
) {
  const outputs = Object.entries(properties).filter(([key]) => !(key in inputProperties));
  const rows = byName(Object.entries(inputProperties)).map(([key, one]) => {
    const change = one.willReplaceOnChanges || one.replaceOnChanges ? 'replaces' : 'in place';
    return [
      `\`${key}\`${requiredInputs.includes(key) ? ' (required)' : ''}`,
      typeOf(one, types),
      change,
      one.description ?? '',
    ];
  });
  return page(name, [
    plain(description ?? ''),
    '',
    '## Inputs',
    '',
    ...table(['property', 'type', 'a change', 'meaning'], rows),
    '',
    '## Outputs',
    '',
    'Every input, and:',
    '',
    ...table(
      ['property', 'type', 'meaning'],
      [
        ['`id`', 'string', 'Path of the resource, as Azure writes it.'],
        ...byName(outputs).map(([key, one]) => [
          `\`${key}\`${one.secret ? ' (secret)' : ''}`,
          typeOf(one, types),
          one.description ?? '',
        ]),
      ],
    ),
  ]);
}

function functionsPage(functions, types) {
  const lines = byName(Object.entries(functions)).flatMap(
    ([token, { description, inputs, outputs }]) => [
      `## ${nameOf(token)}`,
      '',
      plain(description ?? ''),
      '',
      ...propertyTable(inputs, types, 'argument'),
      '',
      ...propertyTable(outputs, types, 'answer'),
      '',
    ],
  );
  return page('Functions', lines.slice(0, -1));
}

function typesPage(types) {
  const objects = byName(Object.entries(types)).filter(([, { properties }]) => properties);
  const lines = objects.flatMap(([token, type]) => [
    `## ${nameOf(token)}`,
    '',
    ...(type.description ? [plain(type.description), ''] : []),
    ...propertyTable(type, types, 'property'),
    '',
  ]);
  return page('Types', lines.slice(0, -1));
}

const propertyTable = ({ properties = {}, required = [] }, types, head) =>
  table(
    [head, 'type', 'meaning'],
    byName(Object.entries(properties)).map(([key, one]) => [
      `\`${key}\`${required.includes(key) && head !== 'answer' ? ' (required)' : ''}`,
      typeOf(one, types),
      one.description ?? '',
    ]),
  );

const table = (heads, rows) => [
  `| ${heads.join(' | ')} |`,
  `|${heads.map(() => '---').join('|')}|`,
  ...rows.map((row) => `| ${row.map(cell).join(' | ')} |`),
];

/** As a user would write it; objects link to their own section. */
function typeOf(one, types) {
  if (one.$ref !== undefined) {
    const token = decodeURIComponent(one.$ref.replace('#/types/', ''));
    const type = types[token];
    if (type?.enum) return type.enum.map(({ value }) => `\`${String(value)}\``).join(' or ');
    return type ? `[${nameOf(token)}](types.md#${nameOf(token).toLowerCase()})` : 'any JSON';
  }
  if (one.oneOf) return one.oneOf.map((each) => typeOf(each, types)).join(' or ');
  if (one.type === 'array') return `list of ${typeOf(one.items, types)}`;
  if (one.type === 'object')
    return `map of ${typeOf(one.additionalProperties ?? { type: 'string' }, types)}`;
  return one.type ?? 'any JSON';
}

/** The component is no resource of the schema: its arguments are read from their interface. */
function componentPage() {
  const source = ts.createSourceFile(
    COMPONENT,
    readFileSync(join(root, COMPONENT), 'utf8'),
    ts.ScriptTarget.Latest,
    true,
  );
  const docOf = (node) => plain(ts.getTextOfJSDocComment(node.jsDoc?.at(-1)?.comment) ?? '');
  const members = (name) =>
    source.statements
      .find((node) => node.name?.text === name)
      .members.filter(
        ({ name: key, modifiers }) =>
          key && !modifiers?.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword),
      )
      .map((member) => [
        `\`${member.name.text}\``,
        `\`${plain(member.type?.getText() ?? '')}\``,
        docOf(member),
      ]);
  const heads = ['property', 'type', 'meaning'];
  const description = docOf(source.statements.find((node) => node.name?.text === 'BatchCluster'));
  return page('BatchCluster', [
    description,
    '',
    '## Inputs',
    '',
    ...table(heads, members('BatchClusterArgs')),
    '',
    '## Outputs',
    '',
    ...table(heads, members('BatchCluster')),
  ]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const schema = JSON.parse(readFileSync(SCHEMA_FILE, 'utf8'));
  mkdirSync(REFERENCE_FOLDER, { recursive: true });
  const pages = referencePages(schema);
  for (const name of readdirSync(REFERENCE_FOLDER))
    if (!pages.has(name)) rmSync(join(REFERENCE_FOLDER, name));
  for (const [name, text] of pages) writeFileSync(join(REFERENCE_FOLDER, name), text);
}
