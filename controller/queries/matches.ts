import type { ComparisonOperator, Filter, FilterField } from '../engine/reader.js';

/**
 * Decides a filter over a document in memory, by the same rules as the store's SQL. `id` and `state`
 * are its properties of these names.
 */
export function matches(filter: Filter, document: object): boolean {
  switch (filter.type) {
    case 'and':
      return filter.operands.every((operand) => matches(operand, document));
    case 'or':
      return filter.operands.some((operand) => matches(operand, document));
    case 'not':
      return !matches(filter.operand, document);
    case 'startsWith': {
      const value = valueOf(filter.field, document);
      return typeof value === 'string' && value.startsWith(folded(filter.prefix));
    }
    case 'compare': {
      const value = valueOf(filter.field, document);
      const wanted = typeof filter.value === 'string' ? folded(filter.value) : filter.value;
      if (value === undefined) return filter.operator === 'ne';
      return compare(value, filter.operator, wanted);
    }
  }
}

type Value = string | number | boolean;

/** Letters of ASCII alone, as SQLite's NOCASE has it. */
const folded = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

function valueOf(field: FilterField, document: object): Value | undefined {
  const path = field.kind === 'id' || field.kind === 'state' ? field.kind : field.path;
  const found = path
    .split('.')
    .reduce<unknown>(
      (value, name) =>
        typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined,
      document,
    );
  if (field.kind === 'boolean') return found === true;
  if (field.kind === 'isoTime') return typeof found === 'string' ? Date.parse(found) : undefined;
  if (typeof found === 'string') return folded(found);
  return typeof found === 'number' || typeof found === 'boolean' ? found : undefined;
}

function compare(value: Value, operator: ComparisonOperator, wanted: Value): boolean {
  switch (operator) {
    case 'eq':
      return value === wanted;
    case 'ne':
      return value !== wanted;
    case 'gt':
      return value > wanted;
    case 'ge':
      return value >= wanted;
    case 'lt':
      return value < wanted;
    case 'le':
      return value <= wanted;
  }
}
