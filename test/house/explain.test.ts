import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { REASONS } from '../../protocol/batch/explain.js';

const page = readFileSync(fileURLToPath(new URL('../../docs/explain.md', import.meta.url)), 'utf8');
const filled = (text: string) => text.replace(/\{(\w+)\}/g, '*$1*');

it('docs/explain.md lists every reason code with its text and its next step, and no other', () => {
  const rows = page.split('\n').filter((line) => /^\| `/.test(line));
  expect(rows).toEqual(
    REASONS.map(({ code, text, next }) => `| \`${code}\` | ${filled(text)} | ${filled(next)} |`),
  );
});
