import type { Context, Middleware } from 'koa';
import { BatchError } from '../../../protocol/batch/errors.js';
import { formatTime } from '../../../protocol/time.js';
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

/** Anything that is not a refusal is a defect or a broken connection: the caller learns only its request id. */
function batchErrorOf(thrown: unknown, context: Context, ports: HttpPorts): BatchError {
  if (thrown instanceof BatchError) return thrown;
  ports.log.error(
    { error: thrown, requestId: context.state['requestId'], path: context.path },
    'a request failed',
  );
  return new BatchError('InternalError');
}

/** Answers what the rest refused, in the shape that `write` gives it. */
const answering =
  (ports: HttpPorts, write: (context: Context, error: BatchError) => void): Middleware =>
  async (context, next) => {
    try {
      await next();
    } catch (thrown) {
      if (context.headerSent) throw thrown;
      const error = batchErrorOf(thrown, context, ports);
      context.status = error.status;
      if (error.code === 'ServerBusy') context.set('Retry-After', '1');
      if (context.method === 'HEAD') context.body = null;
      else write(context, error);
      context.status = error.status;
    }
  };

/** Errors in the data plane's shape. */
export const batchErrors = (ports: HttpPorts): Middleware =>
  answering(ports, (context, error) => {
    const id = String(context.state['requestId']);
    context.body = JSON.stringify(errorBody(error, id, ports.clock.now(), context.origin));
    context.set('content-type', 'application/json;odata=minimalmetadata');
    context.set('DataServiceVersion', '3.0');
  });

/** Errors in the management plane's shape. */
export const managementErrors = (ports: HttpPorts): Middleware =>
  answering(ports, (context, error) => {
    if (error.status === 401) context.set('WWW-Authenticate', 'Bearer');
    const target = error.values.find((value) => value.key === 'PropertyName')?.value;
    context.body = JSON.stringify({
      error: { code: error.code, message: error.message, ...(target !== undefined && { target }) },
    });
    context.set('content-type', 'application/json; charset=utf-8');
  });
