import { describe, expect, it } from 'vitest';
import { evaluate, problemOf, samplesOf, valueOf } from '../support/autoscale.js';

const results = (formula: string) => evaluate(formula).results;

describe('the results of a formula', () => {
  it('name the targets and the option first, then the variables by their names', () => {
    expect(results('$TargetDedicatedNodes=3')).toBe(
      '$TargetDedicatedNodes=3;$TargetLowPriorityNodes=1;$NodeDeallocationOption=requeue',
    );
    const work = `$curTime = time();
      $workHours = $curTime.hour >= 8 && $curTime.hour < 18;
      $isWeekday = $curTime.weekday >= 1 && $curTime.weekday <= 5;
      $isWorkingWeekdayHour = $workHours && $isWeekday;
      $TargetDedicatedNodes = $isWorkingWeekdayHour ? 20:10;`;
    expect(results(work)).toBe(
      '$TargetDedicatedNodes=10;$TargetLowPriorityNodes=1;$NodeDeallocationOption=requeue;' +
        '$curTime=2016-10-13T19:18:47.805Z;$isWeekday=1;$isWorkingWeekdayHour=0;$workHours=0',
    );
  });

  it('take the full name of a target before its alias, in whatever order', () => {
    expect(results('$TargetDedicatedNodes=5;$TargetDedicated=6')).toMatch(
      /^\$TargetDedicatedNodes=5;/,
    );
    expect(results('$TargetDedicated=6;')).toMatch(/^\$TargetDedicatedNodes=6;/);
    expect(results('$TargetLowPriority=7;')).toContain('$TargetLowPriorityNodes=7;');
  });

  it('cut off fractions and count negative targets as none', () => {
    expect(evaluate('$TargetDedicatedNodes = 2.9').targetDedicatedNodes).toBe(2);
    expect(evaluate('$TargetDedicatedNodes = -3').targetDedicatedNodes).toBe(0);
    expect(problemOf('a = 1;\n$TargetDedicatedNodes = 1 / 0')).toMatch(
      /^evaluation: Line 2, Col 1: \$TargetDedicatedNodes is Infinity; allowed are 0 to 100000/,
    );
  });

  it('keep what was assigned before stop()', () => {
    expect(
      evaluate('$TargetDedicatedNodes=2; x = 1 > 0 ? stop() : 5; $TargetDedicatedNodes=9'),
    ).toEqual({
      targetDedicatedNodes: 2,
      targetLowPriorityNodes: 1,
      nodeDeallocationOption: 'requeue',
      results: '$TargetDedicatedNodes=2;$TargetLowPriorityNodes=1;$NodeDeallocationOption=requeue',
    });
  });

  it('show every type, and only the beginning of a long vector', () => {
    expect(valueOf('vec(1, 2.5, -0)')).toBe('[1,2.5,0]');
    expect(valueOf('TimeInterval_Minute * 10')).toBe('00:10:00');
    expect(valueOf('-(TimeInterval_Day + 90 * TimeInterval_Millisecond)')).toBe(
      '-1.00:00:00.0900000',
    );
    expect(valueOf('"text"')).toBe('text');
    const long = samplesOf({ $CPUPercent: Array.from({ length: 2000 }, (_, n) => n) });
    expect(valueOf('$CPUPercent.GetSample(2000)', long)).toMatch(/^\[0,1,.*,…\]$/);
  });
});

describe('operators', () => {
  it.each([
    ['1 + 2 * 3 - 4 / 2', '5'],
    ['(1 + 2) * 3', '9'],
    ['10 - 4 - 3', '3'],
    ['2 * -3', '-6'],
    ['!0 + !5', '1'],
    ['1 < 2 == 1', '1'],
    ['1 == 1 && 2 != 2 || 3 >= 3', '1'],
    ['0 || 0 && 1', '0'],
    ['1 ? 2 : 3 ? 4 : 5', '2'],
    ['0 ? 1 : 0 ? 2 : 3', '3'],
    ['1e3 + .5', '1000.5'],
    ['vec(1, 2) * 2 + vec(1, 1)', '[3,5]'],
    ['10 - vec(1, 2)', '[9,8]'],
    ['-vec(1, 2)', '[-1,-2]'],
    ['"a" < "b"', '1'],
    ['time() > time("2016-10-13T00:00:00Z")', '1'],
    ['time() - time("2016-10-13T19:18:00Z")', '00:00:47.8050000'],
    ['time("2016-10-13") + 36 * TimeInterval_Hour', '2016-10-14T12:00:00.000Z'],
    ['TimeInterval_Hour + time("2016-10-13")', '2016-10-13T01:00:00.000Z'],
    ['time("2016-10-13") - TimeInterval_Hour', '2016-10-12T23:00:00.000Z'],
    ['TimeInterval_Hour / 4 < TimeInterval_Minute * 16', '1'],
    ['$ActiveTasks.GetSample(1) + 1', '[9]'],
    ['$ActiveTasks.GetSample(1) > 5', '1'],
  ])('%s is %s', (expression, value) => {
    expect(valueOf(expression)).toBe(value);
  });

  it('stop at what decides', () => {
    expect(valueOf('0 && unknown')).toBe('0');
    expect(valueOf('1 || unknown')).toBe('1');
    expect(valueOf('1 ? 2 : unknown')).toBe('2');
  });

  it.each([
    '1 + "a"',
    'time() + time()',
    'time() * 2',
    'TimeInterval_Hour / TimeInterval_Minute',
    'TimeInterval_Hour + 1',
    '2 / TimeInterval_Hour',
    '"a" < 1',
    'time() < TimeInterval_Hour',
    'vec(1, 2) + vec(1, 2, 3)',
    'vec(1, 2) > 1',
    '!"a"',
    '-"a"',
    'time().hour.minute',
    '"a" ? 1 : 2',
    'requeue + 1',
  ])('refuse %s', (expression) => {
    expect(problemOf(`x = ${expression}`)).toMatch(/^evaluation: Line 1, Col \d+: /);
  });
});

describe('functions', () => {
  it.each([
    ['avg(1, vec(2, 3), 6)', '3'],
    ['sum()', '0'],
    ['max(3, 1, 2) - min(3, 1, 2)', '2'],
    ['len(vec(1, 2), 3)', '3'],
    ['range(4, 9, 6)', '5'],
    ['std(0, vec(2, 4))', '2'],
    ['std(5)', '0'],
    ['norm(3, 4)', '5'],
    ['lg(8)', '3'],
    ['ln(1)', '0'],
    ['log(1000)', '3'],
    ['lg(vec(8))', '[3]'],
    ['log(10, 100)', '[1,2]'],
    ['percentile(vec(4, 1, 3, 2), 50)', '2'],
    ['percentile(vec(4, 1, 3, 2), 100)', '4'],
    ['percentile(vec(4, 1, 3, 2), 0)', '1'],
    ['val(vec(7, 8, 9), 1)', '8'],
    ['val($RunningTasks.GetSample(1), 0)', '4'],
    ['rand()', '0.25'],
    ['ceil(1.2) + floor(1.8) + round(2.5) + trunc(-1.9)', '5'],
    ['time()', '2016-10-13T19:18:47.805Z'],
    ['time("")', '2016-10-13T19:18:47.805Z'],
    ['time("2016-10-13T19:18:47+02:00")', '2016-10-13T17:18:47.000Z'],
    ['time("2016-10")', '2016-10-01T00:00:00.000Z'],
    ['time("Thu, 13 Oct 2016 19:18:47 GMT")', '2016-10-13T19:18:47.000Z'],
    ['time("13 Oct 2016 19:18 +0100")', '2016-10-13T18:18:00.000Z'],
    ['time().year * 10000 + time().month * 100 + time().day', '20161013'],
    ['time().hour * 10000 + time().minute * 100 + time().second', '191847'],
    ['time().weekday', '4'],
    ['time("2016-10-16").weekday', '7'],
    ['time("2016-10-17").weekday', '1'],
  ])('%s is %s', (expression, value) => {
    expect(valueOf(expression)).toBe(value);
  });

  it.each([
    'avg()',
    'max(vec())',
    'std()',
    'avg("a")',
    'val(vec(1, 2), 2)',
    'val(vec(1, 2), -1)',
    'percentile(vec(), 50)',
    'percentile(vec(1), 101)',
    'time("soon")',
    'time(5)',
    'time("2016-13-01")',
    'floor("a")',
  ])('refuse %s', (expression) => {
    expect(problemOf(`x = ${expression}`)).toMatch(/^evaluation: Line 1, Col 5: /);
  });
});

describe('what can never be evaluated', () => {
  it.each<[string, string, RegExp]>([
    ['an operand that is missing', 'x = 1 +', /^Line 1, Col 8: expected a value, found the end/],
    ['a bracket that is open', 'x = (1', /^Line 1, Col 7: expected \), found the end/],
    ['a statement without its end', 'x = 1\ny = 2', /^Line 2, Col 1: expected ;, found y/],
    ['an unknown character', 'x = 1 % 2', /^Line 1, Col 7: unexpected character %/],
    ['a comment without an end', 'x = 1; /* more', /^Line 1, Col 8: the comment has no end/],
    ['a string without an end', 'x = "more', /^Line 1, Col 5: the string has no end/],
    ['a number with letters', 'x = 180seconds', /^Line 1, Col 5: 180seconds is no number/],
    ['an unknown function', '\n  x = median(1)', /^Line 2, Col 7: unknown function median/],
    ['an unknown method', 'x = $ActiveTasks.Get(1)', /^Line 1, Col 18: unknown method Get/],
    ['an unknown member', 'x = time().century', /^Line 1, Col 12: unknown member century/],
    [
      'a method of a variable',
      'a = 1; x = a.GetSample(1)',
      /^Line 1, Col 14: only the service's metrics/,
    ],
    ['too many arguments', 'x = rand(1)', /^Line 1, Col 9: rand takes 0 arguments, not 1/],
    ['a metric assigned', '$ActiveTasks = 1', /^Line 1, Col 1: \$ActiveTasks is read-only/],
    ['a constant assigned', 'requeue = 1', /^Line 1, Col 1: requeue is a constant/],
    ['an assignment in an expression', 'x = y = 1', /^Line 1, Col 7: expected ;, found =/],
    ['nothing', ' // nothing', /^Line 1, Col 1: the formula has no statement/],
    ['too many statements', 'x=1;'.repeat(101), /more than 100 statements/],
    ['too many characters', `x=${'1'.repeat(8192)}`, /more than 8192 characters/],
    [
      'too deep brackets',
      `x=${'('.repeat(4000)}1${')'.repeat(4000)}`,
      /nested more than 100 levels/,
    ],
    ['too many signs', `x=${'-'.repeat(8000)}1`, /nested more than 100 levels/],
    ['too deep conditions', `x=${'1?2:'.repeat(2000)}3`, /nested more than 100 levels/],
  ])('%s is a syntax error', (_, formula, reason) => {
    const problem = problemOf(formula);
    expect(problem.slice(0, 8)).toBe('syntax: ');
    expect(problem.slice(8)).toMatch(reason);
  });

  it('counts lines of every kind', () => {
    expect(problemOf('a = 1;\r\nb = 2;\rc = 3;\n  d = ;')).toMatch(/^syntax: Line 4, Col 7: /);
  });
});

describe('limits of an evaluation', () => {
  it('walks long chains of operators', () => {
    expect(valueOf(Array.from({ length: 4000 }, () => '1').join('+'))).toBe('4000');
  });

  it('refuses vectors that grow without end, and too much work', () => {
    const doubling = `v = vec(1);${'v = vec(v, v);'.repeat(40)}`;
    expect(problemOf(doubling)).toMatch(/a vector of more than 16384 elements/);
    const work = `v = vec(1);${'v = vec(v, v);'.repeat(14)}${'w = sum(v, v, v);'.repeat(60)}`;
    expect(problemOf(work)).toMatch(/more than 250000 steps/);
  });

  it('refuses unknown variables with their place', () => {
    expect(problemOf('something_useless')).toBe(
      'evaluation: Line 1, Col 1: unknown variable something_useless',
    );
    expect(problemOf('$NodeDeallocationOption = later')).toMatch(/unknown variable later/);
    expect(problemOf('$NodeDeallocationOption = 5')).toMatch(/must be one of requeue, /);
    expect(problemOf('$TargetDedicatedNodes = "many"')).toMatch(/must be a double, not a string/);
  });
});
