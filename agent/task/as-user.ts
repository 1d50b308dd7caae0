import { closeSync, constants, existsSync, openSync, readSync, statSync } from 'node:fs';
import type { RunUser } from '../node/users.js';
import type { LaunchOrder } from './launcher.js';

/** Where util-linux's setpriv may be; it is part of the base of every Debian, Ubuntu, Fedora and SUSE. */
const PLACES = ['/usr/bin/setpriv', '/bin/setpriv', '/usr/sbin/setpriv', '/sbin/setpriv'];
const ENV = '/usr/bin/env';

export const findSetpriv = (): string | undefined => PLACES.find((place) => existsSync(place));

/**
 * What the loader and the C library read before a program's first line, after glibc's own list of what
 * programs with the set-user-id bit don't get. setpriv is root until it has changed the user, so it gets
 * none of them: `env`, which is the user already, sets them.
 */
const READ_BY_LIBRARIES =
  /^(LD_.*|MALLOC_.*|GLIBC_.*|GCONV_PATH|GETCONF_DIR|HOSTALIASES|LOCALDOMAIN|LOCPATH|NIS_PATH|NLSPATH|OUTPUT_CHARSET|POSIXLY_CORRECT|RES_OPTIONS|RESOLV_.*|TZ|TZDIR|TMPDIR|COREFILE|_.*|CAPNG_.*|LIBMOUNT_.*|LIBPATH)$/;
const LANGUAGE = /^(LANG|LANGUAGE|LC_.*)$/;

const isUnsafe = (name: string, value: string) =>
  READ_BY_LIBRARIES.test(name) || (LANGUAGE.test(name) && value.includes('/'));

/** What every kernel runs by itself begins so; formats that were registered with it hold zero bytes. */
const KNOWN_FORMAT = /^(#!|\x7fELF)|\0/;

/** setpriv would hand a text without `#!` to a shell; true: the system itself does not run such a file. */
export function isPlainText(file: string): boolean {
  return (
    statSync(file, { throwIfNoEntry: false })?.isFile() === true &&
    !KNOWN_FORMAT.test(head(file, 128))
  );
}

/**
 * The order by which another user runs the program: through setpriv, which becomes the user and then the
 * program, in the same process. Output files are opened without following links.
 */
export function asUser(order: LaunchOrder, user: RunUser, setpriv: string): LaunchOrder {
  const safe: Record<string, string> = {};
  const late: string[] = [];
  for (const name in order.environment) {
    const value = order.environment[name] ?? '';
    if (isUnsafe(name, value)) late.push(`${name}=${value}`);
    else safe[name] = value;
  }
  const numbers = ['--reuid', String(user.uid), '--regid', String(user.gid)];
  const groups = ['--groups', user.groups.join(',')];
  const locked = user.locked ? ['--no-new-privs'] : [];
  const [, ...rest] = order.argv;
  return {
    ...order,
    file: setpriv,
    argv: [
      'setpriv',
      ...numbers,
      ...groups,
      ...locked,
      '--',
      ...(late.length > 0 ? [ENV, ...late] : []),
      order.file,
      ...rest,
    ],
    environment: safe,
    guarded: true,
  };
}

const CODES: readonly (readonly [RegExp, string])[] = [
  [/No such file/i, 'ENOENT'],
  [/Exec format/i, 'ENOEXEC'],
  [/too long/i, 'E2BIG'],
  [/not a directory/i, 'ENOTDIR'],
];

/**
 * Why setpriv could not start the program `file`, by the system's name for it; undefined: the program
 * itself ended so. Both say it by exit codes 126 and 127, so the first line on standard error decides.
 */
export function refusedProgram(
  exitCode: number,
  file: string,
  stderrPath: string,
): string | undefined {
  if (exitCode !== 126 && exitCode !== 127) return undefined;
  const [line = ''] = headOf(stderrPath, 8192).split('\n', 1);
  const said = line.startsWith('setpriv: ') || line.startsWith(`${ENV}: `);
  if (!said || !line.includes(file)) return undefined;
  if (!existsSync(file)) return 'ENOENT';
  return CODES.find(([pattern]) => pattern.test(line))?.[1] ?? 'EACCES';
}

/** The same of a file that must be no link. */
export const headOf = (path: string, bytesMax: number): string =>
  head(path, bytesMax, constants.O_NOFOLLOW);

/** The first bytes of a file that another user may have replaced; nothing where it can't be read. */
function head(path: string, bytesMax: number, flags = 0): string {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | flags);
    try {
      const bytes = Buffer.alloc(bytesMax);
      return bytes.toString('latin1', 0, readSync(file, bytes, 0, bytes.length, 0));
    } finally {
      closeSync(file);
    }
  } catch {
    return ''; // Whoever starts it then will say why not.
  }
}
