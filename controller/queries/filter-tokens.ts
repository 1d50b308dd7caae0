import { readTime } from '../../protocol/time.js';
import type { Literal } from './filter.js';

/** `at` is the place from 0; `text` what stands there. */
export type Token = { at: number; text: string } & (
  { type: '(' | ')' | ',' | 'end' } | { type: 'word' } | { type: 'literal'; literal: Literal }
);

/** The message has no position: who catches it adds that of `at`. */
export class FilterSyntaxError extends Error {
  constructor(
    message: string,
    readonly at: number,
  ) {
    super(message);
    this.name = 'FilterSyntaxError';
  }
}

const BLANK = /\s+/y;
const MARK = /[(),]/y;
const QUOTED = /(datetime)?'((?:[^']|'')*)'/iy;
/** A time without quotes; before numbers, which its year would be. */
const BARE_TIME = /\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:?\d\d)?)?(?![\w.])/iy;
const NUMBER = /-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w.])/iy;
const WORD = /[a-z_]\w*(?:\/[a-z_]\w*)*/iy;
/** RFC 1123: `Fri, 02 Jan 2026 03:04:05 GMT`. */
const RFC_1123 = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;

/** Epoch milliseconds of a time as filters write it, or undefined. */
export function readFilterTime(text: string): number | undefined {
  if (!RFC_1123.test(text)) return readTime(text);
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}

/** The last token is the end. Throws FilterSyntaxError at the first character that begins no token. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    return pattern.exec(text);
  };
  while (at < text.length) {
    const blank = match(BLANK);
    if (blank !== null) {
      at += blank[0].length;
      continue;
    }
    const [read, length] = token(match, at, text);
    tokens.push(read);
    at += length;
  }
  tokens.push({ type: 'end', text: '', at });
  return tokens;
}

function token(
  match: (pattern: RegExp) => RegExpExecArray | null,
  at: number,
  text: string,
): [Token, number] {
  const literal = (found: RegExpExecArray, value: Literal): [Token, number] => [
    { type: 'literal', literal: value, text: found[0], at },
    found[0].length,
  ];
  const mark = match(MARK)?.[0];
  if (mark === '(' || mark === ')' || mark === ',') return [{ type: mark, text: mark, at }, 1];
  const quoted = match(QUOTED);
  if (quoted !== null) {
    const value = (quoted[2] ?? '').replaceAll("''", "'");
    if (quoted[1] === undefined) return literal(quoted, { kind: 'text', value });
    const time = readFilterTime(value);
    if (time === undefined) throw new FilterSyntaxError(`${quoted[0]} is not a time`, at);
    return literal(quoted, { kind: 'time', value: time });
  }
  const bare = match(BARE_TIME);
  if (bare !== null) {
    const time = readTime(bare[0]);
    if (time === undefined) throw new FilterSyntaxError(`${bare[0]} is not a time`, at);
    return literal(bare, { kind: 'time', value: time });
  }
  const number = match(NUMBER);
  if (number !== null) return literal(number, { kind: 'number', value: Number(number[0]) });
  const word = match(WORD)?.[0];
  if (word !== undefined) {
    const lower = word.toLowerCase();
    const read: Token =
      lower === 'true' || lower === 'false'
        ? { type: 'literal', literal: { kind: 'boolean', value: lower === 'true' }, text: word, at }
        : { type: 'word', text: word, at };
    return [read, word.length];
  }
  const found = text[at] ?? '';
  throw new FilterSyntaxError(
    found === "'" ? 'a quoted text without its closing quote stands' : `'${found}' can't stand`,
    at,
  );
}
