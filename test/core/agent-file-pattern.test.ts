import { describe, expect, test } from 'vitest';
import { compilePattern } from '../../agent/core/file-pattern.js';

const FILES = [
  'stdout.txt',
  'stderr.txt',
  'wd/a.txt',
  'wd/b.gif',
  'wd/.a.gif',
  'wd/abc*',
  'wd/abcd',
  'wd/a{b}(c)+d.txt',
  'wd/sub/c.txt',
  'wd/sub/deep/d.txt',
  'wd/.hidden/e.txt',
  'wd/back\\slash',
];
const found = (pattern: string) => FILES.filter(compilePattern(pattern).matches);

describe('patterns of output files', () => {
  test.each<[string, string[]]>([
    ['std*.txt', ['stdout.txt', 'stderr.txt']],
    ['std???.txt', ['stdout.txt', 'stderr.txt']],
    ['wd/*.txt', ['wd/a.txt', 'wd/a{b}(c)+d.txt']],
    ['wd/**/*.txt', ['wd/a.txt', 'wd/a{b}(c)+d.txt', 'wd/sub/c.txt', 'wd/sub/deep/d.txt']],
    ['wd/**', FILES.filter((file) => file.startsWith('wd/') && !file.includes('/.'))],
    ['**/deep/*', ['wd/sub/deep/d.txt']],
    ['wd/*.gif', ['wd/b.gif']],
    ['wd/.*.gif', ['wd/.a.gif']],
    ['wd/.hidden/*', ['wd/.hidden/e.txt']],
    ['wd/[ab].*', ['wd/a.txt', 'wd/b.gif']],
    ['wd/[a-b].[!t]*', ['wd/b.gif']],
    ['wd/[!a].*', ['wd/b.gif']],
    ['wd/abc[*]', ['wd/abc*']],
    ['wd/a{b}(c)+?.txt', ['wd/a{b}(c)+d.txt']],
    ['wd/back\\*', ['wd/back\\slash']],
    ['wd/[z-a]*', ['wd/a.txt', 'wd/abc*', 'wd/abcd', 'wd/a{b}(c)+d.txt']],
    ['wd/*', FILES.filter((file) => /^wd\/[^./][^/]*$/.test(file))],
    ['nothing/*', []],
  ])('%s names what the documentation says', (pattern, files) => {
    expect(found(pattern).sort()).toEqual([...files].sort());
  });

  test('without a wildcard name one file, whatever characters it has', () => {
    for (const file of ['wd/a{b}(c)+d.txt', 'wd/back\\slash', 'wd/!x', 'wd/a]b'])
      expect(compilePattern(file)).toMatchObject({ file, base: 'wd' });
    expect(compilePattern('wd/sub/*.txt').base).toBe('wd/sub');
    expect(compilePattern('wd/[/x').matches('wd/[/x')).toBe(true);
  });
});
