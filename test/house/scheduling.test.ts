import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

it('each rule of docs/scheduling.md names a test that there is', () => {
  const rows = read('docs/scheduling.md')
    .split('\n')
    .filter((line) => /^\| (?!Rule)/.test(line));
  expect(rows.length).toBeGreaterThan(40);
  const wrong = rows.filter((row) => {
    const found = /\[([\w./-]+)\]\(\.\.\/(test\/[\w./-]+\.test\.ts)\): (.+) \|$/.exec(row);
    const [, name, path, title] = found ?? [];
    if (name === undefined || path === undefined || title === undefined) return true;
    return (
      path !== `test/${name}.test.ts` ||
      !new RegExp(`['"\`]${escaped(title)}['"\`]`).test(read(path))
    );
  });
  expect(wrong).toEqual([]);
});

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
