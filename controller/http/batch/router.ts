import Router from '@koa/router';
import type { Middleware } from 'koa';
import type * as z from 'zod';
import { BatchError } from '../../../protocol/batch/errors.js';
import type { Operation, operations, OperationId } from '../../../protocol/batch/operations.js';
import { validate } from '../../../protocol/batch/validation.js';
import { upgradeRequest } from '../../../protocol/batch/versions/translate.js';
import { jobKey } from '../../../protocol/keys.js';
import type { Call, RequestContext, RequestState } from '../call.js';
import { readJson } from '../middleware/body.js';
import { readConditions } from '../middleware/conditions.js';
import { originOf } from '../origin.js';
import type { HttpPorts } from '../ports.js';
import { decodePart } from '../query-string.js';
import { sealSecrets } from '../seal-secrets.js';
import { withUnmade } from './task-factory.js';

type Row = (typeof operations)[number];
type BodyOf<Id> =
  Extract<Row, { id: Id }> extends { request: infer Schema extends z.ZodType }
    ? z.output<Schema>
    : undefined;
/** Ids of the operations of some resources. */
export type IdsOf<Resource extends string> = Extract<OperationId, `${Resource}_${string}`>;
type Handler<Id> = (call: Call<BodyOf<Id>>) => Promise<void>;
/** The handlers of some of the operations, by operation id. */
export type Handlers<Ids extends OperationId> = { [Id in Ids]: Handler<Id> };

const escape = (text: string) => text.replace(/[.+?^$()|[\]\\]/g, '\\$&');

/**
 * The pattern of a path template. Collection names are matched as they are (lower case); the names in
 * a certificate's path in any case. `{filePath}` takes the rest, slashes included.
 */
function pathPattern(template: string): RegExp {
  const source = escape(template).replace(/\{(\w+)\}/g, (_, name: string) =>
    name === 'filePath' ? '(?<filePath>.+)' : `(?<${name}>[^/]+?)`,
  );
  return new RegExp(`^${source}$`, template.includes('(') ? 'i' : '');
}

function readIds(pattern: RegExp, path: string): Record<string, string> {
  const groups = pattern.exec(path)?.groups ?? {};
  return Object.fromEntries(Object.entries(groups).map(([name, part]) => [name, decodePart(part)]));
}

/** A task's token opens its job's paths and nothing else. */
function checkScope(state: RequestState, ids: Record<string, string>): void {
  if (state.onlyJob === undefined) return;
  const jobId = ids['jobId'];
  if (jobId === undefined || jobKey(state.account, jobId) !== state.onlyJob)
    throw new BatchError('AuthenticationFailed', [
      {
        key: 'AuthenticationErrorDetail',
        value: "A task's token is valid for operations on its own job alone.",
      },
    ]);
}

/** Their handlers seal what they take, or keep nothing of it. */
const SEALED_BY_HANDLER: readonly string[] = [
  'Certificate_Add',
  'ComputeNode_AddUser',
  'ComputeNode_UpdateUser',
  'Task_AddCollection',
];

/** What the operation is given: checked, with defaults filled in, and its secrets sealed. */
async function readBody(
  operation: Operation,
  context: RequestContext,
  { keys }: HttpPorts,
): Promise<unknown> {
  if (operation.request === undefined) return undefined;
  const version = context.state.query.get('api-version') ?? '';
  const json = upgradeRequest(version, operation.id, await readJson(context));
  const empty = json === undefined && operation.bodyOptional === true;
  const body = validate(operation.request, empty ? {} : json);
  return SEALED_BY_HANDLER.includes(operation.id) ? body : sealSecrets(keys, body);
}

/** Routes every operation of the table. */
export function operationRouter(
  ports: HttpPorts,
  table: readonly (Operation & { id: OperationId })[],
  handlers: Handlers<OperationId>,
): Middleware {
  const router = new Router<RequestState>();
  for (const operation of table) {
    const pattern = pathPattern(operation.path);
    const handler = handlers[operation.id] as Handler<string>;
    router.register(
      pattern,
      [operation.method],
      async (context, next) => {
        // The router lets GET routes answer HEAD; only some resources of this service do.
        if (context.method !== operation.method) return next();
        if (operation.until !== undefined && isLater(context.state.query, operation.until))
          throw notFound(context);
        context.state.operation = operation.id;
        const ids = readIds(pattern, context.path);
        checkScope(context.state, ids);
        context.status = operation.success;
        const call: Call<undefined> = {
          ports,
          context,
          account: context.state.account,
          ids,
          query: context.state.query,
          conditions: operation.conditions === true ? readConditions(context) : undefined,
          body: (await readBody(operation, context, ports)) as undefined,
          baseUrl: originOf(context),
        };
        await withUnmade(call, () => handler(call));
        if (context.status !== 304) context.status = operation.success;
      },
      { pathAsRegExp: true },
    );
  }
  const routes = router.routes() as Middleware;
  return (context, next) => routes(context, () => noSuchOperation(context, next));
}

/** Whether the request's api-version came after a month. */
const isLater = (query: ReadonlyMap<string, string>, month: string) =>
  (query.get('api-version') ?? '').slice(0, month.length) > month;

const where = (context: { method: string; path: string }) => [
  { key: 'Method', value: context.method },
  { key: 'Path', value: context.path.slice(0, 200) },
];
const notFound = (context: { method: string; path: string }) =>
  new BatchError('ResourceNotFound', where(context));

/** Nothing answered: 405 where the path is known with other verbs, else 404. */
const noSuchOperation: Middleware = async (context) => {
  const matched = (context as { matched?: unknown[] }).matched ?? [];
  throw matched.length > 0
    ? new BatchError('UnsupportedHttpVerb', where(context))
    : notFound(context);
};
