import type * as z from 'zod';
import { BatchError, defaultText, isErrorCode } from './errors.js';
import type { ErrorCode, ErrorValue } from './errors.js';
import { LIMITS } from './limits.js';

const VALUE_SHOWN = 200;
const SECRET = /password|secret|data|key|settings/i;

/**
 * Checks a parsed JSON body against its schema and gives the schema's output.
 * @throws BatchError InvalidRequestBody, MissingRequiredProperty, InvalidPropertyValue or a code of its own.
 */
export function validate<Schema extends z.ZodType>(
  schema: Schema,
  body: unknown,
): z.output<Schema> {
  if (!isObject(body)) {
    const reason = `The body must be a JSON object; it is ${kindOf(body)}.`;
    throw new BatchError('InvalidRequestBody', [{ key: 'Reason', value: reason }]);
  }
  dropNulls(body, 1);
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw batchErrorOf(result.error, body);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const kindOf = (value: unknown): string =>
  value === undefined
    ? 'absent'
    : value === null
      ? 'null'
      : Array.isArray(value)
        ? 'an array'
        : `a ${typeof value}`;

/** An explicit null means the same as an absent property. Also refuses what is nested too deeply. */
function dropNulls(value: object, depth: number): void {
  if (depth > LIMITS.requestBodyDepth) {
    const reason = `The body is nested more than ${LIMITS.requestBodyDepth} levels deep.`;
    throw new BatchError('InvalidRequestBody', [{ key: 'Reason', value: reason }]);
  }
  if (Array.isArray(value)) {
    for (const item of value)
      if (typeof item === 'object' && item !== null) dropNulls(item, depth + 1);
    return;
  }
  const record = value as Record<string, unknown>;
  for (const name in record) {
    const inner = record[name];
    if (inner === null) delete record[name];
    else if (typeof inner === 'object' && inner !== undefined) dropNulls(inner, depth + 1);
  }
}

/**
 * The service's error for the first issue of a ZodError. A missing property is one that the body has
 * nothing at; a wrong JSON type is a body that isn't what it says; all else is a wrong value.
 */
function batchErrorOf(error: z.ZodError, body: unknown): BatchError {
  const issue = error.issues[0];
  if (issue === undefined) return new BatchError('InvalidRequestBody');
  const found = valueAt(body, issue.path);
  const name = innermostName(issue.path);
  if (found === undefined && name !== undefined)
    return new BatchError(
      'MissingRequiredProperty',
      [
        { key: 'PropertyName', value: name },
        { key: 'Reason', value: `${pathText(issue.path)} is required` },
      ],
      `${defaultText('MissingRequiredProperty')} ${pathText(issue.path)} is required.`,
    );
  const code = codeOf(issue, found);
  const reason = `${pathText(issue.path)}: ${reasonOf(issue, found)}`;
  const values: ErrorValue[] = [
    { key: 'PropertyName', value: name ?? '' },
    { key: 'PropertyValue', value: shown(name ?? '', found) },
    { key: 'Reason', value: reason },
  ];
  return new BatchError(code, values, `${defaultText(code)} ${reason}.`);
}

function codeOf(issue: z.core.$ZodIssue, found: unknown): ErrorCode {
  if (issue.code === 'custom') {
    const code: unknown = issue.params?.['code'];
    return typeof code === 'string' && isErrorCode(code) ? code : 'InvalidPropertyValue';
  }
  if (issue.code !== 'invalid_type') return 'InvalidPropertyValue';
  return typeof found === 'number' && issue.expected === 'int'
    ? 'InvalidPropertyValue'
    : 'InvalidRequestBody';
}

function reasonOf(issue: z.core.$ZodIssue, found: unknown): string {
  if (issue.code === 'invalid_type')
    return `must be ${article(issue.expected)}, not ${kindOf(found)}`;
  if (issue.code === 'too_small') return `must be at least ${issue.minimum}${unit(issue.origin)}`;
  if (issue.code === 'too_big') return `must be at most ${issue.maximum}${unit(issue.origin)}`;
  if (issue.code === 'invalid_value') return `must be one of ${issue.values.join(', ')}`;
  return issue.message;
}

const article = (kind: string) =>
  kind === 'int' ? 'a whole number' : /^[aeiou]/.test(kind) ? `an ${kind}` : `a ${kind}`;
const unit = (origin: string) =>
  origin === 'string' ? ' characters' : origin === 'array' ? ' items' : '';

function valueAt(body: unknown, path: readonly PropertyKey[]): unknown {
  let value: unknown = body;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step))
      return undefined;
    value = (value as Record<PropertyKey, unknown>)[step];
  }
  return value;
}

/** The last property name of a path: indexes have none. */
const innermostName = (path: readonly PropertyKey[]): string | undefined =>
  path.findLast((step): step is string => typeof step === 'string');

const pathText = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (text, step) =>
      typeof step === 'number'
        ? `${text}[${step}]`
        : `${text}${text === '' ? '' : '.'}${String(step)}`,
    '',
  );

/** The value as an error may show it: short, and no secret. */
function shown(name: string, value: unknown): string {
  if (SECRET.test(name)) return '(not shown)';
  if (typeof value === 'object') return Array.isArray(value) ? '(an array)' : '(an object)';
  const text = String(value);
  return text.length > VALUE_SHOWN ? `${text.slice(0, VALUE_SHOWN)}…` : text;
}
