#!/usr/bin/env node
// Writes docs/conformance.md from the operations table, the tests and the known differences.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { coverage } from './conformance-table/coverage.mjs';
import { differences } from './conformance-table/differences.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
export const OUTPUT = 'docs/conformance.md';
const cell = (text) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

/** Operations that no test uses, and ids in the differences that do not exist. */
export function gaps(operations) {
  const uses = coverage(root, operations);
  const ids = new Set(operations.map(({ id }) => id));
  return [
    ...operations
      .filter(({ id }) => uses.get(id).length === 0)
      .map(({ id }) => `${id}: no test uses it`),
    ...differences
      .flatMap((one) => one.operations)
      .filter((id) => id !== '*' && !ids.has(id))
      .map((id) => `a difference names ${id}, which is no operation`),
  ];
}

function testsOf(uses) {
  const files = [...new Set(uses.map(({ file }) => file))];
  return files
    .map((file) => {
      const titles = uses.filter((use) => use.file === file).flatMap(({ title }) => title ?? []);
      const name = file.replace(/^test\//, '').replace(/\.test\.ts$/, '');
      return `[${name}](../${file})${titles.length > 0 ? `: ${titles.map(cell).join(' · ')}` : ''}`;
    })
    .join('<br>');
}

function rowOf(operation, uses) {
  const own = differences
    .map(({ operations }, at) => (operations.includes(operation.id) ? at + 1 : 0))
    .filter((number) => number > 0);
  const kind = operation.extension === true ? ' (extension)' : '';
  const request = `\`${operation.method} ${operation.path}\`${kind}`;
  const tests = testsOf(uses) || '–';
  return `| ${operation.id} | ${request} | ${operation.success} | ${tests} | ${own.join(', ') || '–'} |`;
}

/** The text of docs/conformance.md. */
export function conformanceTable(operations) {
  const uses = coverage(root, operations);
  const groups = [...new Set(operations.map(({ id }) => id.split('_', 1)[0]))];
  const tables = groups.flatMap((group) => [
    `## ${group}`,
    '',
    '| operation | request | status | tests | differences |',
    '|---|---|---|---|---|',
    ...operations
      .filter(({ id }) => id.startsWith(`${group}_`))
      .map((operation) => rowOf(operation, uses.get(operation.id))),
    '',
  ]);
  return [
    '# Conformance',
    '',
    `Every operation of the data plane, all ${operations.length} of them served; *extension* marks those that Azure`,
    'does not have ([extensions](extensions.md)). *Tests* are those that use the',
    'operation through an unchanged client or a raw request; *differences* are numbers of the list at the end.',
    'Written by `npm run conformance-table`; do not edit.',
    '',
    ...tables,
    '## Differences from Azure',
    '',
    ...differences.map(
      ({ operations: ids, difference, reason }, at) =>
        `${at + 1}. ${ids.includes('*') ? 'Every operation' : ids.join(', ')}: ${difference} ${reason}`,
    ),
    '',
  ].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { tsImport } = await import('tsx/esm/api');
  const { operations } = await tsImport('../protocol/batch/operations.ts', import.meta.url);
  writeFileSync(join(root, OUTPUT), conformanceTable(operations));
  for (const gap of gaps(operations)) {
    console.error(`conformance-table: ${gap}`);
    process.exitCode = 1;
  }
}
