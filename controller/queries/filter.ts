import { BatchError } from '../../protocol/batch/errors.js';
import type { ComparisonOperator } from '../engine/reader.js';
import type { Token } from './filter-tokens.js';
import { FilterSyntaxError, tokenize } from './filter-tokens.js';

/** A literal as written: a quoted text may still turn out to be a time, by what it is compared with. */
export type Literal =
  | { kind: 'text'; value: string }
  | { kind: 'time'; value: number }
  | { kind: 'number'; value: number }
  | { kind: 'boolean'; value: boolean };

/** A filter as the client wrote it; `at` is the place (from 0) of a property in the text. */
export type Expression =
  | { type: 'and' | 'or'; operands: Expression[] }
  | { type: 'not'; operand: Expression }
  | {
      type: 'compare';
      property: string;
      operator: ComparisonOperator;
      literal: Literal;
      at: number;
    }
  | { type: 'startsWith'; property: string; prefix: string; at: number };

const OPERATORS: readonly string[] = ['eq', 'ne', 'gt', 'ge', 'lt', 'le'];
const isOperator = (word: string): word is ComparisonOperator => OPERATORS.includes(word);

/** Characters of a filter, parentheses and `not` within each other, comparisons in all. */
export const FILTER_LIMITS = { length: 8192, depth: 32, comparisons: 200 } as const;

/** The error of the contract for a query parameter that can't be; the reason is part of a sentence. */
export const invalidQueryParameter = (name: string, value: string, reason: string): BatchError =>
  new BatchError(
    'InvalidQueryParameterValue',
    [
      { key: 'QueryParameterName', value: name },
      { key: 'QueryParameterValue', value },
      { key: 'Reason', value: reason },
    ],
    `The value of the query parameter ${name} is invalid: ${reason}.`,
  );

/**
 * Parses the subset of OData that the contract names (section 1.7): comparisons and `startswith`
 * joined by `and` (binds tighter) and `or`, parentheses, `not`. Throws InvalidQueryParameterValue
 * with the position of what it can't read.
 */
export function parseFilter(text: string): Expression {
  const refuse = (reason: string) => invalidQueryParameter('$filter', text.slice(0, 1024), reason);
  if (text.length > FILTER_LIMITS.length)
    throw refuse(`a filter has at most ${String(FILTER_LIMITS.length)} characters`);
  try {
    return new Parser(tokenize(text)).parse();
  } catch (error) {
    if (error instanceof FilterSyntaxError)
      throw refuse(`${error.message} at position ${String(error.at + 1)}`);
    throw error;
  }
}

class Parser {
  private next = 0;
  private depth = 0;
  private comparisons = 0;

  constructor(private readonly tokens: readonly Token[]) {}

  parse(): Expression {
    const expression = this.disjunction();
    const rest = this.peek();
    if (rest.type !== 'end') throw this.unexpected(rest, "'and', 'or' or the end");
    return expression;
  }

  private disjunction(): Expression {
    return this.joined('or', () => this.joined('and', () => this.term()));
  }

  private joined(word: 'and' | 'or', operand: () => Expression): Expression {
    const operands = [operand()];
    while (this.takeWord(word)) operands.push(operand());
    const [only] = operands;
    return operands.length === 1 && only !== undefined ? only : { type: word, operands };
  }

  private term(): Expression {
    const token = this.peek();
    if (this.takeWord('not'))
      return { type: 'not', operand: this.nested(token, () => this.term()) };
    if (token.type === '(') {
      this.next += 1;
      const inner = this.nested(token, () => this.disjunction());
      this.take(')', "')'");
      return inner;
    }
    return this.comparison();
  }

  private nested<T>(token: Token, inner: () => T): T {
    this.depth += 1;
    if (this.depth > FILTER_LIMITS.depth)
      throw new FilterSyntaxError(`more than ${String(FILTER_LIMITS.depth)} levels`, token.at);
    const result = inner();
    this.depth -= 1;
    return result;
  }

  private comparison(): Expression {
    const token = this.peek();
    this.comparisons += 1;
    if (this.comparisons > FILTER_LIMITS.comparisons)
      throw new FilterSyntaxError(
        `more than ${String(FILTER_LIMITS.comparisons)} comparisons`,
        token.at,
      );
    if (token.type !== 'word') throw this.unexpected(token, 'a property or a function');
    this.next += 1;
    if (this.peek().type === '(') return this.call(token);
    const operator = this.peek();
    const word = operator.type === 'word' ? operator.text.toLowerCase() : '';
    if (!isOperator(word)) throw this.unexpected(operator, `one of ${OPERATORS.join(', ')}`);
    this.next += 1;
    const literal = this.peek();
    if (literal.type !== 'literal')
      throw this.unexpected(literal, 'a quoted text, a number, a time, true or false');
    this.next += 1;
    return {
      type: 'compare',
      property: token.text,
      operator: word,
      literal: literal.literal,
      at: token.at,
    };
  }

  private call(name: Token & { type: 'word' }): Expression {
    if (name.text.toLowerCase() !== 'startswith')
      throw new FilterSyntaxError(
        `function '${name.text}' is not supported; startswith is`,
        name.at,
      );
    this.next += 1;
    const property = this.peek();
    if (property.type !== 'word') throw this.unexpected(property, 'a property');
    this.next += 1;
    this.take(',', "','");
    const prefix = this.peek();
    if (prefix.type !== 'literal' || prefix.literal.kind !== 'text')
      throw this.unexpected(prefix, 'a quoted text');
    this.next += 1;
    this.take(')', "')'");
    return {
      type: 'startsWith',
      property: property.text,
      prefix: prefix.literal.value,
      at: property.at,
    };
  }

  private peek(): Token {
    const token = this.tokens[Math.min(this.next, this.tokens.length - 1)];
    if (token === undefined) throw new Error('a list of tokens ends with an end');
    return token;
  }

  private takeWord(word: string): boolean {
    const token = this.peek();
    const found = token.type === 'word' && token.text.toLowerCase() === word;
    if (found) this.next += 1;
    return found;
  }

  private take(type: Token['type'], expected: string): void {
    const token = this.peek();
    if (token.type !== type) throw this.unexpected(token, expected);
    this.next += 1;
  }

  private unexpected(token: Token, expected: string): FilterSyntaxError {
    const found = token.type === 'end' ? 'the filter ends' : `'${token.text}' stands`;
    return new FilterSyntaxError(`${found} where ${expected} is expected`, token.at);
  }
}
