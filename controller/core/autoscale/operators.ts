import { evaluationError } from './formula-error.js';
import type { BinaryOperator } from './parser.js';
import { double, doubleVec, nameOf, numberOf, timeinterval, timestamp, truth } from './values.js';
import type { Value } from './values.js';

type Arithmetic = '+' | '-' | '*' | '/';
type Comparison = '<' | '<=' | '==' | '>=' | '>' | '!=';
/** The operators that need both operands: `&&` and `||` stop at the first that decides. */
export type StrictOperator = Exclude<BinaryOperator, '&&' | '||'>;

const isArithmetic = (operator: StrictOperator): operator is Arithmetic =>
  operator === '+' || operator === '-' || operator === '*' || operator === '/';

export function applyUnary(operator: '-' | '!', operand: Value, at: number): Value {
  if (operator === '-' && operand.type === 'timeinterval') return timeinterval(-operand.value, at);
  if (operator === '-' && operand.type === 'doubleVec' && operand.value.length !== 1)
    return doubleVec(
      operand.value.map((element) => -element),
      at,
    );
  const number = numberOf(operand, at, `the operand of ${operator}`);
  return operator === '-' ? double(-number) : truth(number === 0);
}

/** The table of the contract's section 6.4; what is not in it is an error. */
export function applyBinary(
  operator: StrictOperator,
  left: Value,
  right: Value,
  at: number,
): Value {
  if (!isArithmetic(operator)) return compare(operator, left, right, at);
  if (left.type === 'timestamp' || right.type === 'timestamp')
    return withTimes(operator, left, right, at);
  if (left.type === 'timeinterval' || right.type === 'timeinterval')
    return withIntervals(operator, left, right, at);
  if (left.type === 'string' || right.type === 'string') throw mismatch(operator, left, right, at);
  return withNumbers(operator, left, right, at);
}

const mismatch = (operator: string, left: Value, right: Value, at: number) =>
  evaluationError(at, `${operator} can't take ${nameOf(left)} and ${nameOf(right)}`);

function calculate(operator: Arithmetic, left: number, right: number): number {
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return left / right;
  }
}

type Numeric = Extract<Value, { type: 'double' | 'doubleVec' }>;

/** Doubles, and vectors element by element; a double beside a vector counts for every element. */
function withNumbers(operator: Arithmetic, left: Numeric, right: Numeric, at: number): Value {
  if (left.type === 'double' && right.type === 'double')
    return double(calculate(operator, left.value, right.value));
  const length = Math.max(
    left.type === 'double' ? 0 : left.value.length,
    right.type === 'double' ? 0 : right.value.length,
  );
  const elements = (side: Numeric): readonly number[] => {
    if (side.type === 'double') return Array.from({ length }, () => side.value);
    if (side.value.length === length) return side.value;
    throw evaluationError(
      at,
      `${operator} needs vectors of one length, not of ${side.value.length} and ${length} elements`,
    );
  };
  const [lefts, rights] = [elements(left), elements(right)];
  return doubleVec(
    lefts.map((element, index) => calculate(operator, element, rights[index] ?? NaN)),
    at,
  );
}

function withIntervals(operator: Arithmetic, left: Value, right: Value, at: number): Value {
  if (left.type === 'timeinterval' && right.type === 'timeinterval') {
    if (operator === '+' || operator === '-')
      return timeinterval(calculate(operator, left.value, right.value), at);
  } else if (left.type === 'timeinterval' && (operator === '*' || operator === '/')) {
    if (right.type !== 'string')
      return timeinterval(
        calculate(operator, left.value, numberOf(right, at, `the right side of ${operator}`)),
        at,
      );
  } else if (right.type === 'timeinterval' && operator === '*' && left.type !== 'string')
    return timeinterval(numberOf(left, at, 'the left side of *') * right.value, at);
  throw mismatch(operator, left, right, at);
}

function withTimes(operator: Arithmetic, left: Value, right: Value, at: number): Value {
  if (left.type === 'timestamp' && right.type === 'timestamp' && operator === '-')
    return timeinterval(left.value - right.value, at);
  if (left.type === 'timestamp' && right.type === 'timeinterval')
    if (operator === '+' || operator === '-')
      return timestamp(calculate(operator, left.value, right.value), at);
  if (left.type === 'timeinterval' && right.type === 'timestamp' && operator === '+')
    return timestamp(left.value + right.value, at);
  throw mismatch(operator, left, right, at);
}

function compare(operator: Comparison, left: Value, right: Value, at: number): Value {
  if (left.type === 'string' && right.type === 'string')
    return truth(holds(operator, left.value, right.value));
  for (const type of ['timestamp', 'timeinterval'] as const)
    if (left.type === type && right.type === type)
      return truth(holds(operator, left.value, right.value));
  const isNumeric = ({ type }: Value) => type === 'double' || type === 'doubleVec';
  if (!isNumeric(left) || !isNumeric(right)) throw mismatch(operator, left, right, at);
  const what = `an operand of ${operator}`;
  return truth(holds(operator, numberOf(left, at, what), numberOf(right, at, what)));
}

function holds<T extends string | number>(operator: Comparison, left: T, right: T): boolean {
  switch (operator) {
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    case '==':
      return left === right;
    case '>=':
      return left >= right;
    case '>':
      return left > right;
    case '!=':
      return left !== right;
  }
}
