import type { Middleware } from 'koa';
import { actionOf } from '../../../protocol/batch/versions/translate.js';

/** `POST /pools/p?resize` of the earliest api-versions becomes `POST /pools/p/resize`; signed as it came. */
export const earlyAction: Middleware = async (context, next) => {
  const query = context.state['query'] as ReadonlyMap<string, string>;
  const action =
    context.method === 'POST' ? actionOf(query.get('api-version') ?? '', query) : undefined;
  if (action !== undefined) context.path = `${context.path}/${action}`;
  await next();
};
