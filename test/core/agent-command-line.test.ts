import { describe, expect, test } from 'vitest';
import { CommandLineError, splitCommandLine } from '../../agent/core/command-line.js';

describe('a command line', () => {
  test.each([
    ['/bin/true', ['/bin/true']],
    ['  echo   a\tb ', ['echo', 'a', 'b']],
    [`/bin/bash -c "echo 'it is'"`, ['/bin/bash', '-c', "echo 'it is'"]],
    [`sh -c 'a "b" \\n'`, ['sh', '-c', 'a "b" \\n']],
    [`echo "a \\"b\\" \\\\ \\n"`, ['echo', 'a "b" \\ \\n']],
    ['echo a\\ b', ['echo', 'a b']],
    [`echo ""`, ['echo', '']],
    [`echo pre"mid dle"'post'`, ['echo', 'premid dlepost']],
    ['echo $HOME > x && y | z', ['echo', '$HOME', '>', 'x', '&&', 'y', '|', 'z']],
  ])('%s is split without a shell', (line, parts) => {
    expect(splitCommandLine(line)).toEqual(parts);
  });

  test.each(['', '   ', `echo "a`, `echo 'a`, 'echo a\\', 'echo \0'])('%j is refused', (line) => {
    expect(() => splitCommandLine(line)).toThrow(CommandLineError);
  });

  test('the refusal of an open quote names its place', () => {
    expect(() => splitCommandLine(`echo "a`)).toThrow('position 6');
  });
});
