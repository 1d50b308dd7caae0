import { describe, expect, test } from 'vitest';
import type { FilterableList } from '../../controller/queries/filterable.js';
import { listFilter } from '../../controller/queries/filterable.js';
import { FILTER_LIMITS } from '../../controller/queries/filter.js';
import { BatchError } from '../../protocol/batch/errors.js';

const read = (list: FilterableList, filter: string) => listFilter(list, 'acme', filter);
const id = { kind: 'id' };
const compare = (field: object, operator: string, value: unknown) => ({
  type: 'compare',
  field,
  operator,
  value,
});

/** The Reason of the refusal. */
function reason(list: FilterableList, filter: string): string {
  try {
    read(list, filter);
  } catch (error) {
    if (!(error instanceof BatchError)) throw error;
    expect([error.code, error.status]).toEqual(['InvalidQueryParameterValue', 400]);
    expect(error.values.map(({ key }) => key)).toEqual([
      'QueryParameterName',
      'QueryParameterValue',
      'Reason',
    ]);
    expect(error.values[0]?.value).toBe('$filter');
    return error.values[2]?.value ?? '';
  }
  throw new Error(`${filter} was taken`);
}

describe('a filter', () => {
  test('is absent where it is blank', () => {
    expect(read('pools', '  ')).toBeUndefined();
    expect(listFilter('pools', 'acme', undefined)).toBeUndefined();
  });

  test('and binds tighter than or, parentheses before both', () => {
    const [a, b, c] = ['a', 'b', 'c'].map((value) => compare(id, 'eq', value));
    expect(read('pools', "id eq 'a' or id eq 'b' and id eq 'c'")).toEqual({
      type: 'or',
      operands: [a, { type: 'and', operands: [b, c] }],
    });
    expect(read('pools', "(id eq 'a' or id eq 'b') and not (id eq 'c')")).toEqual({
      type: 'and',
      operands: [
        { type: 'or', operands: [a, b] },
        { type: 'not', operand: c },
      ],
    });
  });

  test('reads quotes within quotes, startswith in any case and without blanks', () => {
    expect(read('pools', "STARTSWITH( id,'it''s')")).toEqual({
      type: 'startsWith',
      field: id,
      prefix: "it's",
    });
    expect(read('pools', "(id eq'x')")).toEqual(compare(id, 'eq', 'x'));
  });

  test('reads times in each form that the service takes', () => {
    const field = { kind: 'time', path: 'creationTime' };
    const noon = Date.UTC(2026, 0, 2, 12, 0, 0);
    for (const literal of [
      "DateTime'2026-01-02T12:00:00Z'",
      "datetime'2026-01-02T12:00Z'",
      "DateTime'2026-01-02T13:00:00.000+01:00'",
      "DateTime'Fri, 02 Jan 2026 12:00:00 GMT'",
      "'2026-01-02T12:00:00Z'",
      '2026-01-02T12:00:00.0000000Z',
    ])
      expect(read('pools', `creationTime ge ${literal}`), literal).toEqual(
        compare(field, 'ge', noon),
      );
    expect(read('pools', 'creationTime lt 2026-01-02')).toEqual(
      compare(field, 'lt', Date.UTC(2026, 0, 2)),
    );
  });

  test('reads numbers, booleans and nested properties', () => {
    const exitCode = { kind: 'number', path: 'execution.exitCode' };
    expect(read('tasks', '(executionInfo/exitCode lt 0) or executionInfo/exitCode gt -9')).toEqual({
      type: 'or',
      operands: [compare(exitCode, 'lt', 0), compare(exitCode, 'gt', -9)],
    });
    const enabled = { kind: 'boolean', path: 'specification.enableAutoScale' };
    expect(read('pools', 'enableAutoScale ne True')).toEqual(compare(enabled, 'ne', true));
  });

  test("finds the pool of a job by its key in the job's account", () => {
    expect(read('jobs', "executionInfo/poolId eq 'Pool1'")).toEqual(
      compare({ kind: 'text', path: 'pool' }, 'eq', 'acme/pool1'),
    );
  });

  test.each<[FilterableList, string, string]>([
    ['pools', "colour eq 'red'", "'colour' at position 1"],
    ['pools', "ID eq 'a'", "'ID' at position 1"],
    ['pools', "__proto__ eq 'a'", "'__proto__'"],
    ['pools', "id eq 'a' and", 'the filter ends'],
    ['pools', 'id eq', 'at position 6'],
    ['pools', "id like 'a'", "'like' stands where one of eq, ne"],
    ['pools', "(id eq 'a'", "where ')' is expected"],
    ['pools', "id eq 'a')", "')' stands"],
    ['pools', "id eq 'a", 'without its closing quote'],
    ['pools', 'id eq 5', 'compared with a quoted text'],
    ['pools', "id eq 'a'; DROP TABLE pool", "';' can't stand"],
    ['pools', "endswith(id,'a')", "function 'endswith' is not supported"],
    ['pools', "startswith(state,'a')", "operator 'startswith' can't be used with 'state'"],
    ['pools', "state gt 'active'", "operator 'gt' can't be used with 'state'"],
    ['pools', "creationTime eq DateTime'2026-01-01'", "operator 'eq'"],
    ['pools', "creationTime gt DateTime'2026-13-01'", 'is not a time'],
    ['pools', "creationTime gt 'tomorrow'", 'is compared with a time'],
    ['pools', 'enableAutoScale eq 1', 'true or false'],
    ['tasks', "executionInfo/exitCode eq '3'", 'a number'],
    ['nodes', "id eq 'a'", "'id'"],
    ['jobsOfSchedule', "id eq 'a'", "'id'"],
    ['nodeCounts', "poolId ne 'a'", "operator 'ne'"],
  ])('of %s is refused: %s', (list, filter, expected) => {
    expect(reason(list, filter)).toContain(expected);
  });

  test('is limited in length, depth and number of comparisons', () => {
    const deep = FILTER_LIMITS.depth + 1;
    expect(reason('pools', `${'('.repeat(deep)}id eq 'a'${')'.repeat(deep)}`)).toContain('levels');
    expect(reason('pools', `${'not '.repeat(deep)}id eq 'a'`)).toContain('levels');
    const many = Array.from({ length: FILTER_LIMITS.comparisons + 1 }, () => "id eq 'a'");
    expect(reason('pools', many.join(' or '))).toContain('comparisons');
    expect(reason('pools', `id eq '${'a'.repeat(FILTER_LIMITS.length)}'`)).toContain('characters');
    expect(read('pools', many.slice(1).join(' and '))).toBeDefined();
  });
});
