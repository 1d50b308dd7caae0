import { shown, syntaxError } from './formula-error.js';

export type Token =
  | { kind: 'number'; value: number; at: number }
  | { kind: 'text'; value: string; at: number }
  /** Variables, functions, constants and words; service variables begin with `$`. */
  | { kind: 'name'; value: string; at: number }
  | { kind: 'symbol'; value: string; at: number }
  | { kind: 'end'; value: ''; at: number };

const SPACE = /\s+|\/\/[^\r\n]*|\/\*[^]*?\*\//y;
const NUMBER = /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y;
const NAME = /\$?[A-Za-z_][A-Za-z0-9_]*/y;
const TEXT = /"[^"\r\n]*"|'[^'\r\n]*'/y;
const SYMBOL = /<=|>=|==|!=|&&|\|\||[-+*/<>!?:;=(),.]/y;

function match(pattern: RegExp, formula: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(formula)?.[0];
}

/**
 * The tokens of a formula, an `end` token last. Line breaks, `//` and block comments are space.
 * @throws FormulaError syntax
 */
export function tokensOf(formula: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    const space = match(SPACE, formula, at);
    if (space !== undefined) {
      at += space.length;
      continue;
    }
    if (at >= formula.length) {
      tokens.push({ kind: 'end', value: '', at });
      return tokens;
    }
    const { token, length } = tokenAt(formula, at);
    tokens.push(token);
    at += length;
  }
}

function tokenAt(formula: string, at: number): { token: Token; length: number } {
  if (formula.startsWith('/*', at)) throw syntaxError(at, 'the comment has no end');
  const number = match(NUMBER, formula, at);
  if (number !== undefined) {
    const next = match(NAME, formula, at + number.length);
    if (next !== undefined) throw syntaxError(at, `${shown(number + next)} is no number`);
    return { token: { kind: 'number', value: Number(number), at }, length: number.length };
  }
  const name = match(NAME, formula, at);
  if (name !== undefined) return { token: { kind: 'name', value: name, at }, length: name.length };
  const text = match(TEXT, formula, at);
  if (text !== undefined)
    return { token: { kind: 'text', value: text.slice(1, -1), at }, length: text.length };
  const symbol = match(SYMBOL, formula, at);
  if (symbol !== undefined)
    return { token: { kind: 'symbol', value: symbol, at }, length: symbol.length };
  const character = String.fromCodePoint(formula.codePointAt(at) ?? 0);
  if (character === '"' || character === "'") throw syntaxError(at, 'the string has no end');
  throw syntaxError(at, `unexpected character ${character}`);
}
