import type { ComparisonOperator, Filter, FilterField } from '../engine/reader.js';
import type { Expression, Literal } from './filter.js';
import { invalidQueryParameter, parseFilter } from './filter.js';
import { readFilterTime } from './filter-tokens.js';

/** What may be asked of a property: E eq and ne, R gt ge lt le, S startswith; Q eq alone. */
type Allowed = 'E' | 'R' | 'S' | 'Q';

interface Filterable {
  allowed: readonly Allowed[];
  field: FilterField;
  /** Ids that rows hold as keys: `account/id`. */
  asKey?: boolean;
}
type Table = Readonly<Record<string, Filterable>>;

const id: Filterable = { allowed: ['E', 'R', 'S'], field: { kind: 'id' } };
const state: Filterable = { allowed: ['E'], field: { kind: 'state' } };
const time = (path: string, ...allowed: Allowed[]): Filterable => ({
  allowed: allowed.length === 0 ? ['R'] : allowed,
  field: { kind: 'time', path },
});
const isoTime = (path: string): Filterable => ({
  allowed: ['E', 'R'],
  field: { kind: 'isoTime', path },
});
const text = (path: string, ...allowed: Allowed[]): Filterable => ({
  allowed,
  field: { kind: 'text', path },
});
const number = (path: string): Filterable => ({
  allowed: ['E', 'R'],
  field: { kind: 'number', path },
});
const boolean = (path: string): Filterable => ({
  allowed: ['E'],
  field: { kind: 'boolean', path },
});

const jobsOfSchedule: Table = {
  state,
  stateTransitionTime: time('stateTransitionTime'),
  creationTime: time('creationTime'),
  lastModified: time('lastModified'),
  'executionInfo/startTime': time('startTime', 'E', 'R'),
  'executionInfo/endTime': time('endTime', 'E', 'R'),
  'executionInfo/poolId': { ...text('pool', 'E', 'R', 'S'), asKey: true },
};

const specialRun = (property: string, path: string): Table => ({
  [`${property}/state`]: text(`${path}.state`, 'E'),
  [`${property}/startTime`]: time(`${path}.startTime`, 'E', 'R'),
  [`${property}/endTime`]: time(`${path}.endTime`, 'E', 'R'),
  [`${property}/exitCode`]: number(`${path}.exitCode`),
  [`${property}/result`]: text(`${path}.result`, 'E'),
});

/** The contract's section 1.7: what each list can be filtered by, and where the rows hold it. */
const FILTERABLE = {
  pools: {
    id,
    state,
    stateTransitionTime: time('stateTransitionTime'),
    allocationState: text('allocationState', 'E'),
    allocationStateTransitionTime: time('allocationStateTransitionTime'),
    creationTime: time('creationTime'),
    lastModified: time('lastModified'),
    enableAutoScale: boolean('specification.enableAutoScale'),
    enableInterNodeCommunication: boolean('specification.enableInterNodeCommunication'),
    vmSize: text('specification.vmSize', 'E', 'R', 'S'),
  },
  jobs: { id, ...jobsOfSchedule },
  jobsOfSchedule,
  jobSchedules: {
    id,
    state,
    stateTransitionTime: time('stateTransitionTime'),
    creationTime: time('creationTime'),
    lastModified: time('lastModified'),
    'executionInfo/endTime': time('endTime'),
    'schedule/doNotRunUntil': isoTime('specification.schedule.doNotRunUntil'),
    'schedule/doNotRunAfter': isoTime('specification.schedule.doNotRunAfter'),
  },
  tasks: {
    id,
    state,
    stateTransitionTime: time('stateTransitionTime'),
    creationTime: time('creationTime'),
    lastModifiedTime: time('lastModified'),
    lastModified: time('lastModified'),
    'executionInfo/startTime': time('execution.startTime', 'E', 'R'),
    'executionInfo/endTime': time('execution.endTime', 'E', 'R'),
    'executionInfo/exitCode': number('execution.exitCode'),
    'executionInfo/result': text('execution.result', 'E'),
  },
  nodes: {
    state,
    stateTransitionTime: time('stateTransitionTime'),
    lastBootTime: time('lastBootTime'),
    allocationTime: time('allocationTime'),
    'startTaskInfo/state': text('startTaskInfo.state', 'E'),
    'startTaskInfo/result': text('startTaskInfo.result', 'E'),
    'startTaskInfo/exitCode': number('startTaskInfo.exitCode'),
    'startTaskInfo/startTime': time('startTaskInfo.startTime', 'E', 'R'),
    'startTaskInfo/endTime': time('startTaskInfo.endTime', 'E', 'R'),
  },
  preparationAndRelease: {
    poolId: text('poolId', 'E'),
    nodeId: text('nodeId', 'E'),
    ...specialRun('jobPreparationTaskExecutionInfo', 'preparation'),
    ...specialRun('jobReleaseTaskExecutionInfo', 'release'),
  },
  certificates: { state, stateTransitionTime: time('stateTransitionTime') },
  supportedImages: {
    osType: text('osType', 'E'),
    verificationType: text('verificationType', 'E'),
    nodeAgentSKUId: text('nodeAgentSKUId', 'E'),
  },
  /** ARM's documents themselves are looked at, not rows. */
  armPools: {
    name: text('name', 'E', 'R', 'S'),
    'properties/allocationState': text('properties.allocationState', 'E'),
    'properties/allocationStateTransitionTime': isoTime('properties.allocationStateTransitionTime'),
    'properties/creationTime': isoTime('properties.creationTime'),
    'properties/provisioningState': text('properties.provisioningState', 'E'),
    'properties/provisioningStateTransitionTime': isoTime(
      'properties.provisioningStateTransitionTime',
    ),
    'properties/lastModified': isoTime('properties.lastModified'),
    'properties/vmSize': text('properties.vmSize', 'E', 'R', 'S'),
    'properties/interNodeCommunication': text('properties.interNodeCommunication', 'E'),
  },
  armCertificates: {
    name: text('name', 'E', 'R', 'S'),
    'properties/provisioningState': text('properties.provisioningState', 'E'),
    'properties/provisioningStateTransitionTime': isoTime(
      'properties.provisioningStateTransitionTime',
    ),
  },
  usageMetrics: { poolId: text('poolId', 'E', 'R', 'S') },
  nodeCounts: { poolId: { allowed: ['Q'], field: { kind: 'id' } } },
} as const satisfies Record<string, Table>;
export type FilterableList = keyof typeof FILTERABLE;

const NAMES: Record<Allowed, string> = {
  E: 'eq, ne',
  R: 'gt, ge, lt, le',
  S: 'startswith',
  Q: 'eq',
};

const permits = (allowed: readonly Allowed[], operator: ComparisonOperator): boolean => {
  if (operator === 'eq' && allowed.includes('Q')) return true;
  return allowed.includes(operator === 'eq' || operator === 'ne' ? 'E' : 'R');
};

/**
 * The filter of a list, checked and resolved to places in rows. `account` completes ids that rows
 * hold as keys. Throws InvalidQueryParameterValue for anything that the list can't be filtered by.
 */
export function listFilter(
  list: FilterableList,
  account: string,
  filter: string | undefined,
): Filter | undefined {
  if (filter === undefined || filter.trim() === '') return undefined;
  const table: Table = FILTERABLE[list];
  const refuse = (reason: string) =>
    invalidQueryParameter('$filter', filter.slice(0, 1024), reason);
  const find = (property: string, at: number): Filterable => {
    const found = Object.hasOwn(table, property) ? table[property] : undefined;
    if (found !== undefined) return found;
    throw refuse(
      `property '${property}' at position ${String(at + 1)} can't be filtered by; allowed are ${Object.keys(table).join(', ')}`,
    );
  };
  const key = (found: Filterable, value: string) =>
    found.asKey === true ? `${account}/${value.toLowerCase()}` : value;
  const resolve = (expression: Expression): Filter => {
    if ('operands' in expression)
      return { type: expression.type, operands: expression.operands.map(resolve) };
    if (expression.type === 'not') return { type: 'not', operand: resolve(expression.operand) };
    const { property, at } = expression;
    const found = find(property, at);
    const operator = expression.type === 'startsWith' ? 'startswith' : expression.operator;
    const fits =
      operator === 'startswith' ? found.allowed.includes('S') : permits(found.allowed, operator);
    if (!fits)
      throw refuse(
        `operator '${operator}' can't be used with '${property}' at position ${String(at + 1)}; allowed are ${found.allowed.map((one) => NAMES[one]).join(', ')}`,
      );
    if (expression.type === 'startsWith')
      return { type: 'startsWith', field: found.field, prefix: key(found, expression.prefix) };
    const value = literalFor(found.field, expression.literal);
    if (value === undefined)
      throw refuse(
        `'${property}' at position ${String(at + 1)} is compared with ${WANTED[found.field.kind]}`,
      );
    return {
      type: 'compare',
      field: found.field,
      operator: expression.operator,
      value: typeof value === 'string' ? key(found, value) : value,
    };
  };
  return resolve(parseFilter(filter));
}

const WANTED: Record<FilterField['kind'], string> = {
  id: 'a quoted text',
  state: 'a quoted text',
  text: 'a quoted text',
  number: 'a number',
  time: "a time such as DateTime'2026-01-31T00:00:00Z'",
  isoTime: "a time such as DateTime'2026-01-31T00:00:00Z'",
  boolean: 'true or false',
};

/** The literal as the field's kind needs it; undefined where it is of another kind. */
function literalFor(field: FilterField, literal: Literal): string | number | boolean | undefined {
  switch (field.kind) {
    case 'id':
    case 'state':
    case 'text':
      return literal.kind === 'text' ? literal.value : undefined;
    case 'number':
      return literal.kind === 'number' ? literal.value : undefined;
    case 'boolean':
      return literal.kind === 'boolean' ? literal.value : undefined;
    case 'time':
    case 'isoTime':
      if (literal.kind === 'text') return readFilterTime(literal.value);
      return literal.kind === 'time' ? literal.value : undefined;
  }
}
