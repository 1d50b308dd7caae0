import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormulaError } from '../../controller/core/autoscale/formula-error.js';
import {
  FUNCTIONS,
  METHODS,
  METRICS,
  TIMESTAMP_MEMBERS,
} from '../../controller/core/autoscale/names.js';
import { Series } from '../../controller/core/autoscale/series.js';
import { evaluate } from '../support/autoscale.js';

/** Evaluates; says what came of it. Anything but a FormulaError is thrown on and fails the test. */
function outcomeOf(formula: string): 'evaluated' | 'refused' {
  try {
    const { targetDedicatedNodes, targetLowPriorityNodes, results } = evaluate(formula);
    for (const target of [targetDedicatedNodes, targetLowPriorityNodes]) {
      expect(Number.isInteger(target)).toBe(true);
      expect(target).toBeGreaterThanOrEqual(0);
      expect(target).toBeLessThanOrEqual(100_000);
    }
    expect(results).toMatch(
      /^\$TargetDedicatedNodes=\d+;\$TargetLowPriorityNodes=\d+;\$NodeDeallocationOption=[a-z]+/,
    );
    return 'evaluated';
  } catch (error) {
    if (!(error instanceof FormulaError)) throw error;
    expect(error.inText(formula)).toMatch(/^Line [1-9]\d*, Col [1-9]\d*: ./);
    return 'refused';
  }
}

const NAMES = [
  'x',
  'v',
  '$y',
  'requeue',
  'TimeInterval_Minute',
  'TimeInterval_Year',
  '$TargetDedicatedNodes',
  '$TargetLowPriority',
  '$NodeDeallocationOption',
  ...METRICS,
];
const OPERATORS = ['+', '-', '*', '/', '<', '<=', '==', '>=', '>', '!=', '&&', '||'];

/** Expressions of the language's own shapes, with operands of any type. */
const { expression } = fc.letrec<{ expression: string; list: string }>((tie) => ({
  list: fc.array(tie('expression'), { maxLength: 3 }).map((list) => list.join(', ')),
  expression: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(
      fc.constantFrom(...NAMES),
      fc
        .double({ noNaN: true, noDefaultInfinity: true, min: 0 })
        .map((n) => String(n).replace('+', '')),
      fc.constantFrom(
        '0',
        '1',
        '2',
        '100',
        '"text"',
        '"2016-10-13"',
        'time()',
        'vec()',
        '$ActiveTasks.GetSample(5)',
      ),
    ),
    fc
      .tuple(tie('expression'), fc.constantFrom(...OPERATORS), tie('expression'))
      .map(([a, o, b]) => `(${a}) ${o} (${b})`),
    fc.tuple(fc.constantFrom('-', '!'), tie('expression')).map(([o, a]) => `${o}(${a})`),
    fc
      .tuple(tie('expression'), tie('expression'), tie('expression'))
      .map(([c, a, b]) => `((${c}) ? (${a}) : (${b}))`),
    fc
      .tuple(fc.constantFrom(...FUNCTIONS.keys()), tie('list'))
      .map(([name, list]) => `${name}(${list})`),
    fc
      .tuple(fc.constantFrom(...METRICS), fc.constantFrom(...METHODS.keys()), tie('list'))
      .map(([metric, name, list]) => `${metric}.${name}(${list})`),
    fc
      .tuple(tie('expression'), fc.constantFrom(...TIMESTAMP_MEMBERS))
      .map(([a, name]) => `(${a}).${name}`),
  ),
}));

const formula = fc
  .array(
    fc.tuple(
      fc.constantFrom(
        'x',
        'v',
        '$y',
        '$TargetDedicatedNodes',
        '$TargetLowPriorityNodes',
        '$NodeDeallocationOption',
      ),
      expression,
    ),
    { minLength: 1, maxLength: 6 },
  )
  .map((statements) => statements.map(([name, value]) => `${name} = ${value};`).join('\n'));

/** Tokens in any order. */
const soup = fc
  .array(
    fc.constantFrom(
      ...NAMES,
      ...OPERATORS,
      ...FUNCTIONS.keys(),
      '(',
      ')',
      ',',
      ';',
      '=',
      '?',
      ':',
      '.',
      '!',
      '1',
      '.5',
      '1e9',
      '"a"',
      '//',
      '/*',
      '*/',
      '\n',
      'GetSample',
      'hour',
    ),
    { maxLength: 60 },
  )
  .map((tokens) => tokens.join(' '));

describe('any formula', () => {
  it('ends with targets that make sense or an error with its place', () => {
    const seen = { evaluated: 0, refused: 0 };
    fc.assert(
      fc.property(
        fc.oneof(formula, soup, fc.string({ unit: 'binary', maxLength: 200 })),
        (text) => {
          seen[outcomeOf(text)] += 1;
        },
      ),
      { numRuns: 3000 },
    );
    expect(seen.evaluated).toBeGreaterThan(50);
    expect(seen.refused).toBeGreaterThan(500);
  });

  it('is refused or evaluated the same way each time', () => {
    fc.assert(
      fc.property(formula, (text) => {
        const once = attempt(text);
        expect(attempt(text)).toEqual(once);
      }),
      { numRuns: 300 },
    );
  });
});

function attempt(text: string): unknown {
  try {
    return evaluate(text);
  } catch (error) {
    return (error as Error).message;
  }
}

describe('any history', () => {
  it('is what a list of the same samples says', () => {
    const puts = fc.array(fc.tuple(fc.nat(3), fc.constantFrom(0, 1, 2, NaN)), { maxLength: 60 });
    fc.assert(
      fc.property(puts, fc.nat(80), fc.nat(80), fc.nat(10), (list, from, length, count) => {
        const series = new Series();
        const model = new Map<number, number>();
        let slot = 100;
        for (const [step, value] of list) {
          slot += step;
          series.put(slot, value);
          model.set(slot, value);
        }
        const kept = [...model]
          .filter(([, value]) => !Number.isNaN(value))
          .sort(([a], [b]) => a - b);
        const [first, last] = [100 + from, 100 + from + length];
        expect(series.between(first, last)).toEqual(
          kept.filter(([at]) => at >= first && at <= last).map(([, value]) => value),
        );
        expect(series.latest(count)).toEqual(
          count === 0 ? [] : kept.slice(-count).map(([, value]) => value),
        );
        expect(series.count).toBe(kept.length);
        expect(series.oldest).toBe(kept[0]?.[0]);
      }),
    );
  });
});
