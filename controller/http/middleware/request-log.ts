import type { Middleware } from 'koa';
import type { HttpPorts } from '../ports.js';

/**
 * One line a request, without headers and without the query: signatures and tokens travel in both.
 */
export const requestLog =
  (ports: HttpPorts): Middleware =>
  async (context, next) => {
    const begun = ports.clock.now();
    try {
      await next();
    } finally {
      const line = {
        requestId: context.state['requestId'] as unknown,
        method: context.method,
        path: context.path,
        status: context.status,
        account: context.state['account'] as unknown,
        operation: context.state['operation'] as unknown,
        durationMs: ports.clock.now() - begun,
      };
      if (context.status >= 500 && context.status !== 501) ports.log.warn(line, 'request');
      else ports.log.debug(line, 'request');
    }
  };
