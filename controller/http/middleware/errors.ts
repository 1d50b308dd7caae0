import type { Context, Middleware } from 'koa';
import { BatchError } from '../../../protocol/batch/errors.js';
import { formatTime } from '../../../protocol/time.js';
import { ManagementError } from '../management/errors.js';
import { originOf } from '../origin.js';
import type { HttpPorts } from '../ports.js';

/** The error object of the data plane, as bodies and items of a collection hold it. */
export function errorBody(error: BatchError, requestId: string, now: number, baseUrl: string) {
  return {
    'odata.metadata': `${baseUrl}/$metadata#Microsoft.Azure.Batch.Protocol.Entities.Container.errors/@Element`,
    code: error.code,
    message: {
      lang: 'en-US',
      value: `${error.message}\nRequestId:${requestId}\nTime:${formatTime(now)}`,
    },
    ...(error.values.length > 0 && { values: error.values }),
  };
}

/** Until a client asks again while something that the service needs is away. */
const RETRY_AFTER_SECONDS = '5';

/**
 * Anything that is no refusal is a defect, a broken connection or (`ServerBusy`) an outage of what the service
 * needs: the caller learns only its request id.
 */
function internalError(thrown: unknown, context: Context, ports: HttpPorts): BatchError {
  const requestId = context.state['requestId'] as unknown;
  ports.log.error({ err: thrown, requestId, path: context.path }, 'a request failed');
  const isOutage = (thrown as { code?: unknown } | undefined)?.code === 'ServerBusy';
  return new BatchError(isOutage ? 'ServerBusy' : 'InternalError');
}

/** Sends an error's status and JSON body; HEAD has no body. */
function answer(context: Context, status: number, body: object, type: string): void {
  context.status = status;
  context.body = context.method === 'HEAD' ? null : JSON.stringify(body);
  context.status = status;
  if (context.method !== 'HEAD') context.set('content-type', type);
}

/** Errors in the data plane's shape. */
export const batchErrors =
  (ports: HttpPorts): Middleware =>
  async (context, next) => {
    try {
      await next();
    } catch (thrown) {
      if (context.headerSent) throw thrown;
      const error = thrown instanceof BatchError ? thrown : internalError(thrown, context, ports);
      const id = String(context.state['requestId']);
      const body = errorBody(error, id, ports.clock.now(), originOf(context));
      answer(context, error.status, body, 'application/json;odata=minimalmetadata');
      context.set('DataServiceVersion', '3.0');
      if (error.status === 503)
        context.set('Retry-After', error === thrown ? '1' : RETRY_AFTER_SECONDS);
    }
  };

/** Errors in the management plane's shape: `{error: {code, message, target?}}`. */
export const managementErrors =
  (ports: HttpPorts): Middleware =>
  async (context, next) => {
    try {
      await next();
    } catch (thrown) {
      if (context.headerSent) throw thrown;
      const known = thrown instanceof BatchError || thrown instanceof ManagementError;
      const error = known ? thrown : internalError(thrown, context, ports);
      const target =
        error instanceof ManagementError
          ? error.target
          : error.values.find((value) => value.key === 'PropertyName')?.value;
      if (error.status === 503) context.set('Retry-After', RETRY_AFTER_SECONDS);
      if (error.status === 401) context.set('WWW-Authenticate', 'Bearer');
      const { code, message } = error;
      const body = { error: { code, message, ...(target !== undefined && { target }) } };
      answer(context, error.status, body, 'application/json; charset=utf-8');
    }
  };
