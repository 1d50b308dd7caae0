import { LIMITS } from '../../../protocol/batch/limits.js';
import type { NodeDeallocationOption } from '../pool/state.js';
import { evaluationError, shown } from './formula-error.js';
import { callFunction, memberOf } from './functions.js';
import {
  DEALLOCATION,
  DEALLOCATION_WORDS,
  DEDICATED,
  INTERVALS,
  LOW_PRIORITY,
  metricOf,
  TARGETS,
} from './names.js';
import { applyBinary, applyUnary, type StrictOperator } from './operators.js';
import { parseFormula, type Expression, type Statement } from './parser.js';
import { callMethod, latestOf } from './sample-methods.js';
import type { PoolSamples } from './samples.js';
import { double, nameOf, numberOf, textOf, timeinterval, truth, type Value } from './values.js';

/** All that an evaluation looks at besides its formula. */
export interface EvaluationInput {
  /** Epoch milliseconds. */
  readonly now: number;
  /** [0, 1) */
  readonly random: () => number;
  readonly samples: PoolSamples;
  /** The pool's targets, for formulas that read them or leave them alone. */
  readonly targetDedicatedNodes: number;
  readonly targetLowPriorityNodes: number;
}

/** What a formula decided. `results` as in AutoScaleRun. */
export interface Evaluation {
  targetDedicatedNodes: number;
  targetLowPriorityNodes: number;
  nodeDeallocationOption: NodeDeallocationOption;
  results: string;
}

/** Ends an evaluation in its middle; what was assigned so far holds. */
class Stopped extends Error {}

/**
 * Evaluates a formula against a pool's samples. Ends always: statements, depth, vectors and steps have
 * limits.
 * @throws FormulaError and nothing else
 */
export function evaluateFormula(formula: string, input: EvaluationInput): Evaluation {
  return new Evaluator(input).run(parseFormula(formula));
}

/** The results text of a pool as it is: what a failed evaluation answers. */
export function resultsOf(
  targets: Omit<Evaluation, 'results'>,
  variables: Iterable<readonly [string, string]> = [],
): string {
  return [
    ['$TargetDedicatedNodes', targets.targetDedicatedNodes],
    ['$TargetLowPriorityNodes', targets.targetLowPriorityNodes],
    [DEALLOCATION, targets.nodeDeallocationOption],
    ...variables,
  ]
    .map(([name, value]) => `${String(name)}=${String(value)}`)
    .join(';');
}

class Evaluator {
  readonly #variables = new Map<string, Value>();
  /** Where each variable was last assigned. */
  readonly #places = new Map<string, number>();
  #steps = 0;

  constructor(private readonly input: EvaluationInput) {}

  run(statements: readonly Statement[]): Evaluation {
    try {
      for (const { target, value, at } of statements) {
        const result = this.#value(value);
        if (target === undefined) continue;
        this.#variables.set(target, this.#checked(target, result, at));
        this.#places.set(target, at);
      }
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
    }
    const targets = {
      targetDedicatedNodes: this.#target(DEDICATED, this.input.targetDedicatedNodes),
      targetLowPriorityNodes: this.#target(LOW_PRIORITY, this.input.targetLowPriorityNodes),
      nodeDeallocationOption: this.#option(),
    };
    const variables = [...this.#variables]
      .filter(([name]) => name !== DEALLOCATION && !TARGETS.includes(name))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => [name, textOf(value)] as const);
    return { ...targets, results: resultsOf(targets, variables) };
  }

  /** Service variables take values of their type only. */
  #checked(name: string, value: Value, at: number): Value {
    if (TARGETS.includes(name)) return double(numberOf(value, at, name));
    if (name !== DEALLOCATION) return value;
    const word = DEALLOCATION_WORDS.find((one) => value.type === 'string' && one === value.value);
    if (word !== undefined) return { type: 'string', value: word };
    throw evaluationError(
      at,
      `${DEALLOCATION} must be one of ${DEALLOCATION_WORDS.join(', ')}, not ${value.type === 'string' ? shown(value.value) : nameOf(value)}`,
    );
  }

  /** Whole nodes, at least none: fractions are cut off, negative values count as 0. */
  #target([name, alias]: readonly [string, string], current: number): number {
    const assigned = this.#variables.has(name) ? name : alias;
    const value = this.#variables.get(assigned);
    if (value?.type !== 'double') return current;
    const nodes = Math.max(0, Math.floor(value.value));
    if (nodes <= LIMITS.targetNodes) return nodes;
    throw evaluationError(
      this.#places.get(assigned) ?? 0,
      `${assigned} is ${value.value}; allowed are 0 to ${LIMITS.targetNodes}`,
    );
  }

  #option(): NodeDeallocationOption {
    const value = this.#variables.get(DEALLOCATION)?.value;
    return DEALLOCATION_WORDS.find((word) => word === value) ?? 'requeue';
  }

  #value(expression: Expression): Value {
    this.#work(1, expression.at);
    switch (expression.kind) {
      case 'number':
        return double(expression.value);
      case 'text':
        return { type: 'string', value: expression.value };
      case 'name':
        return this.#named(expression.name, expression.at);
      case 'unary':
        return this.#counted(
          applyUnary(expression.operator, this.#value(expression.operand), expression.at),
          expression.at,
        );
      case 'binary':
        return this.#binary(expression);
      case 'conditional':
        return this.#holds(expression.condition)
          ? this.#value(expression.then)
          : this.#value(expression.otherwise);
      case 'call':
        return this.#call(expression);
      case 'method': {
        const call = { ...expression, arguments: this.#values(expression.arguments) };
        return this.#counted(callMethod(call, this.input.samples, this.input.now), expression.at);
      }
      case 'member':
        return memberOf(this.#value(expression.of), expression.name, expression.at);
    }
  }

  #values = (list: readonly Expression[]) => list.map((one) => this.#value(one));

  #holds(condition: Expression): boolean {
    return numberOf(this.#value(condition), condition.at, 'a condition') !== 0;
  }

  #named(name: string, at: number): Value {
    const assigned = this.#variables.get(name);
    if (assigned !== undefined) return assigned;
    const metric = metricOf(name);
    if (metric !== undefined) return latestOf(metric, this.input.samples, at);
    for (const [names, current] of [
      [DEDICATED, this.input.targetDedicatedNodes],
      [LOW_PRIORITY, this.input.targetLowPriorityNodes],
    ] as const) {
      if (!(names as readonly string[]).includes(name)) continue;
      for (const one of names) {
        const value = this.#variables.get(one);
        if (value !== undefined) return value;
      }
      return double(current);
    }
    if (name === DEALLOCATION) return { type: 'string', value: 'requeue' };
    const interval = INTERVALS.get(name);
    if (interval !== undefined) return timeinterval(interval, at);
    const word = DEALLOCATION_WORDS.find((one) => one === name);
    if (word !== undefined) return { type: 'string', value: word };
    throw evaluationError(at, `unknown variable ${shown(name)}`);
  }

  /** A long chain of operators leans to the left: it is walked, not descended into. */
  #binary(expression: Expression & { kind: 'binary' }): Value {
    const chain: (Expression & { kind: 'binary' })[] = [];
    let leftmost: Expression = expression;
    while (leftmost.kind === 'binary') {
      chain.push(leftmost);
      leftmost = leftmost.left;
    }
    let value = this.#value(leftmost);
    for (const { operator, right, at } of chain.reverse()) {
      this.#work(1, at);
      if (operator === '&&' || operator === '||') {
        const left = numberOf(value, at, `the left side of ${operator}`) !== 0;
        value = truth(left === (operator === '||') ? left : this.#holds(right));
      } else value = this.#strict(operator, value, right, at);
    }
    return value;
  }

  #strict(operator: StrictOperator, left: Value, right: Expression, at: number): Value {
    return this.#counted(applyBinary(operator, left, this.#value(right), at), at);
  }

  #call(expression: Expression & { kind: 'call' }): Value {
    const { name, at } = expression;
    if (name === 'stop') throw new Stopped();
    const list = this.#values(expression.arguments);
    for (const value of list) this.#counted(value, at);
    return this.#counted(callFunction({ name, at, arguments: list }, this.input), at);
  }

  /** A vector costs a step an element. */
  #counted(value: Value, at: number): Value {
    if (value.type === 'doubleVec') this.#work(value.value.length, at);
    return value;
  }

  #work(steps: number, at: number): void {
    this.#steps += steps;
    if (this.#steps > LIMITS.autoScaleSteps)
      throw evaluationError(at, `more than ${LIMITS.autoScaleSteps} steps`);
  }
}
