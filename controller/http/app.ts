import Koa from 'koa';
import { operations } from '../../protocol/batch/operations.js';
import { accountHandlers } from './batch/account.js';
import { certificateHandlers } from './batch/certificate.js';
import { computeNodeExtensionHandlers, computeNodeHandlers } from './batch/compute-node.js';
import { fileHandlers } from './batch/file.js';
import { jobHandlers } from './batch/job.js';
import { jobScheduleHandlers } from './batch/job-schedule.js';
import { poolHandlers } from './batch/pool.js';
import { operationRouter } from './batch/router.js';
import { taskHandlers } from './batch/task.js';
import { managementRoutes } from './management/router.js';
import { signIn } from './management/sign-in.js';
import { apiVersion } from './middleware/api-version.js';
import { authentication } from './middleware/authentication.js';
import { earlyAction } from './middleware/early-action.js';
import { batchErrors } from './middleware/errors.js';
import { requestId } from './middleware/request-id.js';
import { requestLog } from './middleware/request-log.js';
import { openApi } from './openapi.js';
import type { HttpPorts } from './ports.js';

const handlers = {
  ...poolHandlers,
  ...accountHandlers,
  ...jobHandlers,
  ...jobScheduleHandlers,
  ...taskHandlers,
  ...computeNodeHandlers,
  ...computeNodeExtensionHandlers,
  ...certificateHandlers,
  ...fileHandlers,
};

/** The controller's HTTP application: every request passes these steps, in this order. */
export function createApp(ports: HttpPorts): Koa {
  const app = new Koa();
  app.on('error', (error: unknown) => ports.log.warn({ error }, 'a connection failed'));
  app.use(requestId);
  app.use(requestLog(ports));
  app.use(health);
  app.use(openApi());
  for (const mount of ports.mounts ?? []) app.use(mount); // agents and storage: credentials of their own
  app.use(signIn(ports)); // OAuth's client credentials for az login
  app.use(managementRoutes(ports)); // /subscriptions and /providers: admin token, errors in ARM's shape
  app.use(batchErrors(ports)); // whatever is thrown below is answered here, once
  app.use(apiVersion);
  app.use(authentication(ports)); // nothing of a body is read before this
  app.use(earlyAction); // the oldest way to name an action; after the signature was checked
  app.use(operationRouter(ports, operations, handlers)); // body limit, schema, conditions, dispatch
  return app;
}

/** `GET /healthz`: the process answers. No credentials, no state. */
const health: Koa.Middleware = async (context, next) => {
  if (context.path !== '/healthz') return next();
  context.body = { status: 'ok' };
};
