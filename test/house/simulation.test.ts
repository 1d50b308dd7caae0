import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { checkers } from '../simulation/checkers/all.js';
import { CANARIES } from '../simulation/plant.js';

const page = readFileSync(
  fileURLToPath(new URL('../../docs/simulation.md', import.meta.url)),
  'utf8',
);

it('docs/simulation.md names every checker of the simulator, and every bug planted for them', () => {
  const rows = page.split('\n').filter((line) => /^\| `/.test(line));
  const names = rows.map((row) => /^\| `([\w-]+)`/.exec(row)?.[1]);
  expect(names).toEqual([...checkers().map(({ name }) => name), 'invariants', 'convergence']);
  const planted = rows.flatMap((row) =>
    [...(row.split('|')[3] ?? '').matchAll(/`(\w+)`/g)].map((match) => match[1]),
  );
  expect(planted.sort()).toEqual([...CANARIES].sort());
});
