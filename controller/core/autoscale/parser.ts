import { LIMITS } from '../../../protocol/batch/limits.js';
import { shown, syntaxError } from './formula-error.js';
import { tokensOf, type Token } from './lexer.js';
import {
  FUNCTIONS,
  METHODS,
  metricOf,
  TIMESTAMP_MEMBERS,
  whyNotAssignable,
  type MetricName,
  type TimestampMember,
} from './names.js';

export type BinaryOperator =
  '+' | '-' | '*' | '/' | '<' | '<=' | '==' | '>=' | '>' | '!=' | '&&' | '||';

/** A part of a formula; `at` is its place in the text. */
export type Expression = { at: number } & (
  | { kind: 'number'; value: number }
  | { kind: 'text'; value: string }
  | { kind: 'name'; name: string }
  | { kind: 'unary'; operator: '-' | '!'; operand: Expression }
  | { kind: 'binary'; operator: BinaryOperator; left: Expression; right: Expression }
  | { kind: 'conditional'; condition: Expression; then: Expression; otherwise: Expression }
  | { kind: 'call'; name: string; arguments: Expression[] }
  | { kind: 'method'; metric: MetricName; name: string; arguments: Expression[] }
  | { kind: 'member'; of: Expression; name: TimestampMember }
);

/** `name = value`, or an expression by itself. */
export interface Statement {
  at: number;
  target?: string;
  value: Expression;
}

/** Tighter operators have higher numbers; those of one number are taken from the left. */
const PRECEDENCE: Readonly<Record<BinaryOperator, number>> = {
  '||': 1,
  '&&': 2,
  '==': 3,
  '!=': 3,
  '<': 4,
  '<=': 4,
  '>': 4,
  '>=': 4,
  '+': 5,
  '-': 5,
  '*': 6,
  '/': 6,
};
const isBinary = (symbol: string): symbol is BinaryOperator => Object.hasOwn(PRECEDENCE, symbol);
const isMember = (name: string): name is TimestampMember =>
  (TIMESTAMP_MEMBERS as readonly string[]).includes(name);

/**
 * The statements of a formula. Functions, methods, members and what may be assigned are known here;
 * variables and types only when it is evaluated.
 * @throws FormulaError syntax
 */
export function parseFormula(formula: string): Statement[] {
  if (formula.length > LIMITS.autoScaleFormulaLength)
    throw syntaxError(0, `the formula has more than ${LIMITS.autoScaleFormulaLength} characters`);
  return new Parser(tokensOf(formula)).statements();
}

class Parser {
  #next = 0;
  #depth = 0;

  constructor(private readonly tokens: readonly Token[]) {}

  statements(): Statement[] {
    const statements: Statement[] = [];
    for (;;) {
      while (this.#takes(';'));
      const token = this.#peek();
      if (token.kind === 'end') break;
      if (statements.length === LIMITS.autoScaleStatements)
        throw syntaxError(token.at, `more than ${LIMITS.autoScaleStatements} statements`);
      statements.push(this.#statement());
      if (this.#peek().kind !== 'end') this.#expect(';');
    }
    if (statements.length === 0) throw syntaxError(0, 'the formula has no statement');
    return statements;
  }

  #statement(): Statement {
    const token = this.#peek();
    const after = this.tokens[this.#next + 1];
    if (token.kind !== 'name' || after?.kind !== 'symbol' || after.value !== '=')
      return { at: token.at, value: this.#expression() };
    const reason = whyNotAssignable(token.value);
    if (reason !== undefined) throw syntaxError(token.at, reason);
    this.#next += 2;
    return { at: token.at, target: token.value, value: this.#expression() };
  }

  #expression(): Expression {
    return this.#nested(() => {
      const condition = this.#binary(1);
      const { at } = this.#peek();
      if (!this.#takes('?')) return condition;
      const then = this.#expression();
      this.#expect(':');
      return { kind: 'conditional', at, condition, then, otherwise: this.#expression() };
    });
  }

  #binary(lowest: number): Expression {
    let left = this.#unary();
    for (;;) {
      const token = this.#peek();
      if (token.kind !== 'symbol' || !isBinary(token.value)) return left;
      const precedence = PRECEDENCE[token.value];
      if (precedence < lowest) return left;
      this.#next += 1;
      const right = this.#binary(precedence + 1);
      left = { kind: 'binary', at: token.at, operator: token.value, left, right };
    }
  }

  #unary(): Expression {
    const { at } = this.#peek();
    for (const operator of ['-', '!'] as const)
      if (this.#takes(operator))
        return this.#nested(() => ({ kind: 'unary', at, operator, operand: this.#unary() }));
    return this.#withMembers(this.#primary());
  }

  /** What follows a dot: a method of a metric, or a member of a timestamp. */
  #withMembers(of: Expression): Expression {
    let value = of;
    for (let members = 0; this.#takes('.'); members += 1) {
      if (members === LIMITS.autoScaleDepth) throw this.#tooDeep();
      const token = this.#take();
      if (token.kind !== 'name') throw this.#unexpected(token, 'a method or a member');
      if (this.#isNext('(')) value = this.#method(value, token);
      else if (isMember(token.value))
        value = { kind: 'member', at: token.at, of: value, name: token.value };
      else
        throw syntaxError(
          token.at,
          `unknown member ${shown(token.value)}; a timestamp has ${TIMESTAMP_MEMBERS.join(', ')}`,
        );
    }
    return value;
  }

  #method(of: Expression, { value: name, at }: Token & { kind: 'name' }): Expression {
    const metric = of.kind === 'name' ? metricOf(of.name) : undefined;
    if (metric === undefined)
      throw syntaxError(at, `only the service's metrics have methods such as ${shown(name)}`);
    const arity = METHODS.get(name);
    if (arity === undefined)
      throw syntaxError(
        at,
        `unknown method ${shown(name)}; a metric has ${[...METHODS.keys()].join(', ')}`,
      );
    // The place of a method's call is that of its metric.
    return { kind: 'method', at: of.at, metric, name, arguments: this.#arguments(name, arity) };
  }

  #primary(): Expression {
    const token = this.#take();
    const { at } = token;
    if (token.kind === 'number') return { kind: 'number', at, value: token.value };
    if (token.kind === 'text') return { kind: 'text', at, value: token.value };
    if (token.kind === 'name') {
      if (!this.#isNext('(')) return { kind: 'name', at, name: token.value };
      const arity = FUNCTIONS.get(token.value);
      if (arity === undefined) throw syntaxError(at, `unknown function ${shown(token.value)}`);
      return {
        kind: 'call',
        at,
        name: token.value,
        arguments: this.#arguments(token.value, arity),
      };
    }
    if (token.value !== '(') throw this.#unexpected(token, 'a value');
    const inner = this.#expression();
    this.#expect(')');
    return inner;
  }

  #arguments(name: string, [fewest, most]: readonly [number, number]): Expression[] {
    const { at } = this.#peek();
    this.#expect('(');
    const list: Expression[] = [];
    if (!this.#takes(')')) {
      do list.push(this.#expression());
      while (this.#takes(','));
      this.#expect(')');
    }
    if (list.length >= fewest && list.length <= most) return list;
    const allowed = fewest === most ? `${fewest}` : `${fewest} to ${most}`;
    throw syntaxError(at, `${name} takes ${allowed} arguments, not ${list.length}`);
  }

  #nested(parse: () => Expression): Expression {
    if (this.#depth === LIMITS.autoScaleDepth) throw this.#tooDeep();
    this.#depth += 1;
    const value = parse();
    this.#depth -= 1;
    return value;
  }

  #tooDeep() {
    return syntaxError(this.#peek().at, `nested more than ${LIMITS.autoScaleDepth} levels deep`);
  }

  #peek(): Token {
    const token = this.tokens[this.#next];
    if (token === undefined) throw new Error('the formula was read beyond its end');
    return token;
  }

  #take(): Token {
    const token = this.#peek();
    if (token.kind !== 'end') this.#next += 1;
    return token;
  }

  #isNext(symbol: string): boolean {
    const token = this.#peek();
    return token.kind === 'symbol' && token.value === symbol;
  }

  #takes(symbol: string): boolean {
    const is = this.#isNext(symbol);
    if (is) this.#next += 1;
    return is;
  }

  #expect(symbol: string): void {
    if (!this.#takes(symbol)) throw this.#unexpected(this.#peek(), symbol);
  }

  #unexpected(token: Token, expected: string) {
    const found = token.kind === 'end' ? 'the end of the formula' : shown(String(token.value));
    return syntaxError(token.at, `expected ${expected}, found ${found}`);
  }
}
