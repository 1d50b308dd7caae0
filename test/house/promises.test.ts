import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const pages = readdirSync(new URL('../../docs', import.meta.url)).filter((name) =>
  name.endsWith('.md'),
);

interface Row {
  line: string;
  /** Columns whose heading begins with "Test"; the first names at least one, the others may hold "–". */
  tests: string[];
}

/** Rows of the tables that promise something: those with a column of tests. */
function promises(page: string): Row[] {
  const rows: Row[] = [];
  let columns: number[] = [];
  for (const line of page.split('\n')) {
    if (!line.startsWith('|')) {
      columns = [];
      continue;
    }
    const cells = line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim());
    const found = cells.flatMap((cell, at) => (/^Tests?\b/.test(cell) ? [at] : []));
    if (found.length > 0) columns = found;
    else if (columns.length > 0 && !/^\|[-|:]+\|$/.test(line))
      rows.push({ line, tests: columns.map((at) => cells[at] ?? '') });
  }
  return rows;
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** `[folder/name](../test/folder/name.test.ts): title`, as the file has it. */
function isTest(text: string): boolean {
  const found = /^\[([\w./-]+)\]\(\.\.\/(test\/[\w./-]+\.test\.ts)\): (.+)$/.exec(text);
  const [, name, path, title] = found ?? [];
  if (name === undefined || path === undefined || title === undefined) return false;
  return (
    path === `test/${name}.test.ts` && new RegExp(`['"\`]${escaped(title)}['"\`]`).test(read(path))
  );
}

function isKept({ tests }: Row): boolean {
  return tests.every((cell, at) => (at > 0 && cell === '–') || cell.split('<br>').every(isTest));
}

describe('what the documentation promises with a test', () => {
  const all = pages.map((page) => ({ page, rows: promises(read(`docs/${page}`)) }));

  it.each(all.filter(({ rows }) => rows.length > 0))(
    'names in $page a test that there is',
    ({ rows }) => {
      expect(rows.filter((row) => !isKept(row)).map(({ line }) => line)).toEqual([]);
    },
  );

  it('is what scheduling, nodes and their agents do, at least', () => {
    const long = all.filter(({ rows }) => rows.length > 40).map(({ page }) => page);
    expect(long).toEqual(expect.arrayContaining(['agent.md', 'nodes.md', 'scheduling.md']));
  });
});
