import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path !== '' && existsSync(join(root, path)));
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const sources = tracked.filter((path) => /\.(ts|mjs|js|sh)$/.test(path));

describe('names', () => {
  const vague = /^(utils?|helpers?|misc|manager|service|base|types|interfaces|index)\b/;
  /** What the package exports, and the programs of examples, where Pulumi's users look for them. */
  const allowed = /^(provider|examples\/[a-z-]+)\/index\.ts$/;
  it('say what a file is about: no util, helper, misc, manager, service, base, types, interfaces, index', () => {
    const found = sources.filter(
      (path) => !allowed.test(path) && path.split('/').some((part) => vague.test(part)),
    );
    expect(found).toEqual([]);
  });
  it('are kebab-case', () => {
    const found = sources.filter((path) => !/^[a-z0-9.-]+$/.test(basename(path)));
    expect(found).toEqual([]);
  });
});

describe('texts', () => {
  it('every Markdown file has one title, on its first line', () => {
    const found = tracked
      .filter((path) => path.endsWith('.md'))
      .filter((path) => {
        const outsideCode = read(path).replace(/^```[^]*?^```/gm, '');
        return !/^# \S/.test(outsideCode) || (outsideCode.match(/^# /gm)?.length ?? 0) !== 1;
      });
    expect(found).toEqual([]);
  });
  it('hold no marks of unfinished work', () => {
    const marks = new RegExp(
      `\\b(${['TO', 'FIX', 'XX', 'HA'].map((half, n) => half + ['DO', 'ME', 'X', 'CK'][n]).join('|')})\\b`,
    );
    expect(sources.filter((path) => marks.test(read(path)))).toEqual([]);
  });
  it('no address of a package registry in the lock file', () => {
    expect(read('package-lock.json')).not.toMatch(/"resolved": "https?:/);
  });
  it('links inside the documents lead somewhere', () => {
    const broken = tracked
      .filter((path) => path.endsWith('.md'))
      .flatMap((path) =>
        [...read(path).matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)/g)]
          .map((match) => join(path, '..', match[1] ?? ''))
          .filter((target) => !existsSync(join(root, target)))
          .map((target) => `${path} → ${target}`),
      );
    expect(broken).toEqual([]);
  });
});

describe('the room table', () => {
  it('in ARCHITECTURE.md is the one that dependency-cruiser checks', async () => {
    const { rooms } = await import('../../house/rooms.mjs');
    const text = read('ARCHITECTURE.md');
    for (const { path, knows, why } of rooms)
      expect(text).toContain(`| \`${path}\` | ${knows.join(', ') || '–'} | ${why} |`);
  });
});
