/** A part of a pattern between slashes. */
type Segment = { kind: 'directories' } | { kind: 'name'; expression: RegExp };

/** An output file's pattern, compiled. */
export interface FilePattern {
  /** No wildcard: the one file that it names. */
  file?: string;
  /** The leading directories without a wildcard: only what is below them can match. */
  base: string;
  matches(path: string): boolean;
}

const WILDCARD = /[*?[]/;

/**
 * Reads the wildcards that the service documents for output files: `*` and `?` within a name, `**` for
 * any directories, `[abc]`, `[a-c]`, `[!abc]`; `[*]` is the way to name a wildcard itself. A name that
 * begins with a dot is matched only by a part that begins with one. Nothing else is special: braces,
 * parentheses and backslashes stand for themselves.
 */
export function compilePattern(pattern: string): FilePattern {
  const parts = pattern.split('/').filter((part) => part !== '' && part !== '.');
  const first = parts.findIndex((part) => WILDCARD.test(part));
  if (first < 0) {
    const file = parts.join('/');
    return {
      file,
      base: parts.slice(0, -1).join('/'),
      matches: (path) => path === file,
    };
  }
  const segments = parts.slice(first).map(compileSegment);
  const base = parts.slice(0, first).join('/');
  return {
    base,
    matches(path) {
      if (base !== '' && !path.startsWith(`${base}/`)) return false;
      const names = path.slice(base === '' ? 0 : base.length + 1).split('/');
      return matchFrom(segments, 0, names, 0);
    },
  };
}

function compileSegment(part: string): Segment {
  if (part === '**') return { kind: 'directories' };
  let source = part.startsWith('.') ? '' : '(?!\\.)';
  for (let at = 0; at < part.length; at += 1) {
    const character = part.charAt(at);
    const end = character === '[' ? classEnd(part, at) : -1;
    if (character === '*') source += '[^/]*';
    else if (character === '?') source += '[^/]';
    else if (end > at) {
      source += characterClass(part.slice(at + 1, end));
      at = end;
    } else source += escape(character);
  }
  return { kind: 'name', expression: new RegExp(`^${source}$`, 's') };
}

/** Where the bracket closes; −1: it is a bracket that stands for itself. One that closes at once is a member. */
const classEnd = (part: string, open: number) =>
  part.indexOf(']', open + (part.charAt(open + 1) === '!' ? 3 : 2));

function characterClass(members: string): string {
  const negated = members.startsWith('!');
  const inner = (negated ? members.slice(1) : members)
    .replace(/[\\\]^[]/g, '\\$&')
    // A range the wrong way round would be an error: its ends and the dash are meant then.
    .replace(/(.)-(.)/gs, (whole, from: string, to: string) =>
      from <= to ? whole : `${from}\\-${to}`,
    );
  return `[${negated ? '^/' : ''}${inner}]`;
}

const escape = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

function matchFrom(
  segments: readonly Segment[],
  at: number,
  names: readonly string[],
  from: number,
): boolean {
  const segment = segments[at];
  if (segment === undefined) return from === names.length;
  const name = names[from];
  if (segment.kind === 'name') {
    if (name === undefined || !segment.expression.test(name)) return false;
    return matchFrom(segments, at + 1, names, from + 1);
  }
  // At the end `**` stands for any file below.
  if (at === segments.length - 1)
    return from < names.length && names.slice(from).every((one) => !one.startsWith('.'));
  if (matchFrom(segments, at + 1, names, from)) return true;
  return name !== undefined && !name.startsWith('.') && matchFrom(segments, at, names, from + 1);
}
