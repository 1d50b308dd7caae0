import { randomUUID } from 'node:crypto';
import type { Middleware } from 'koa';

const CLIENT_REQUEST_ID = /^[\x21-\x7e]{1,128}$/;

/** Names every request, and gives the caller's own name back where it asks for that. */
export const requestId: Middleware = async (context, next) => {
  const id = randomUUID();
  context.state['requestId'] = id;
  context.set('request-id', id);
  context.set('x-ms-request-id', id);
  const clientId = context.get('client-request-id');
  if (
    context.get('return-client-request-id').toLowerCase() === 'true' &&
    CLIENT_REQUEST_ID.test(clientId)
  )
    context.set('client-request-id', clientId);
  await next();
};
