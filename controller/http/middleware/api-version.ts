import type { Middleware } from 'koa';
import { API_VERSIONS } from '../../../protocol/batch/api-version.js';
import { BatchError } from '../../../protocol/batch/errors.js';
import { parseQuery } from '../query-string.js';

/** Reads the query once and refuses requests without a version that this service knows. */
export const apiVersion: Middleware = async (context, next) => {
  const query = parseQuery(context.querystring);
  context.state['query'] = query;
  const version = query.get('api-version');
  if (version === undefined || version === '')
    throw new BatchError('MissingRequiredQueryParameter', [
      { key: 'QueryParameterName', value: 'api-version' },
    ]);
  if (!API_VERSIONS.has(version))
    throw new BatchError('UnsupportedRequestVersion', [
      { key: 'QueryParameterName', value: 'api-version' },
      { key: 'QueryParameterValue', value: version.slice(0, 64) },
    ]);
  await next();
};
