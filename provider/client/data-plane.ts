import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import {
  BatchServiceClient,
  BatchSharedKeyCredentials,
  type BatchServiceModels,
} from '@azure/batch';
import { knowExtensions } from './extensions.js';
import { call } from './retry.js';
import type { Connection } from './settings.js';

knowExtensions();

type Body = Record<string, unknown>;
export interface Account {
  accountName: string;
  resourceGroupName: string;
}
/** Gives the key of an account; `fresh`: the one that was given before is refused. */
export type KeyOf = (account: Account, fresh: boolean) => Promise<string>;

const isObject = (value: unknown): value is Body =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The client calls the wire's `username` of identities and registries `userName`, but not that of mounts. */
function renamed(value: unknown, from: string, to: string, holder = ''): unknown {
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map((item) => renamed(item, from, to, holder));
  if (!isObject(value)) return value;
  const isMount = holder === 'cifsMountConfiguration';
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined && typeof item !== 'function')
      .map(([key, item]) => [key === from && !isMount ? to : key, renamed(item, from, to, key)]),
  );
}
const toClient = <Model>(body: Body) => renamed(body, 'username', 'userName') as Model;
/** Plain JSON; `_response` and other properties that are not enumerable stay behind. */
const fromAnswer = (answer: unknown) => renamed(answer, 'userName', 'username') as Body;

/** The operations on an account that the provider needs, through the unchanged @azure/batch. */
export function dataPlane(connection: Connection, account: Account, keyOf: KeyOf) {
  const { endpoint } = connection;
  const request = async <Answer>(
    what: string,
    use: (client: BatchServiceClient) => Promise<Answer>,
  ): Promise<Answer> => {
    const once = async (fresh: boolean) => {
      const client = clientFor(connection, account.accountName, await keyOf(account, fresh));
      return call(what, endpoint, () => use(client));
    };
    try {
      return await once(false);
    } catch (error) {
      // Keys may have been rotated since this process asked for them.
      if (
        (error as { code?: string }).code !== 'AuthenticationFailed' ||
        connection.accountKey !== undefined
      )
        throw error;
      return once(true);
    }
  };
  const send = async (
    what: string,
    use: (client: BatchServiceClient) => Promise<unknown>,
  ): Promise<void> => {
    await request(what, use);
  };
  const get = async (
    what: string,
    use: (client: BatchServiceClient) => Promise<unknown>,
  ): Promise<Body> => fromAnswer(await request(what, use));
  return {
    pool: pools(send, get, request),
    job: jobs(send, get, request),
    task: tasks(send, get),
    jobSchedule: jobSchedules(send, get),
    certificate: certificates(send, get),
    images: (filter: string | undefined) => imagesOf(request, filter),
  };
}

type Send = (what: string, use: (client: BatchServiceClient) => Promise<unknown>) => Promise<void>;
type Get = (what: string, use: (client: BatchServiceClient) => Promise<unknown>) => Promise<Body>;
type Request = <Answer>(
  what: string,
  use: (client: BatchServiceClient) => Promise<Answer>,
) => Promise<Answer>;

const pools = (send: Send, get: Get, request: Request) => ({
  add: (body: Body) => send('add pool', (client) => client.pool.add(toClient(body))),
  get: (id: string) => get('get pool', (client) => client.pool.get(id)),
  patch: (id: string, body: Body) =>
    send('patch pool', (client) => client.pool.patch(id, toClient(body))),
  updateProperties: (id: string, body: Body) =>
    send('update pool', (client) => client.pool.updateProperties(id, toClient(body))),
  resize: (id: string, body: Body) =>
    send('resize pool', (client) => client.pool.resize(id, toClient(body))),
  stopResize: (id: string) => send('stop resize', (client) => client.pool.stopResize(id)),
  enableAutoScale: (id: string, body: Body) =>
    send('enable autoscale', (client) => client.pool.enableAutoScale(id, toClient(body))),
  disableAutoScale: (id: string) =>
    send('disable autoscale', (client) => client.pool.disableAutoScale(id)),
  delete: (id: string) => send('delete pool', (client) => client.pool.deleteMethod(id)),
  rebootNode: (id: string, nodeId: string, nodeRebootOption: string) =>
    send('reboot node', (client) =>
      client.computeNode.reboot(id, nodeId, {
        nodeRebootOption: nodeRebootOption as BatchServiceModels.ComputeNodeRebootOption,
      }),
    ),
  remoteLoginSettings: (id: string, nodeId: string) =>
    get('get remote login settings', (client) =>
      client.computeNode.getRemoteLoginSettings(id, nodeId),
    ),
  nodes: async (id: string): Promise<Body[]> => {
    const found: Body[] = [];
    let page = await request('list nodes', (client) => client.computeNode.list(id));
    for (;;) {
      found.push(...page.map(fromAnswer));
      const next = page.odatanextLink;
      if (next === undefined) return found;
      page = await request('list nodes', (client) => client.computeNode.listNext(next));
    }
  },
});

async function imagesOf(request: Request, filter: string | undefined): Promise<Body[]> {
  const found: Body[] = [];
  const options = filter === undefined ? {} : { accountListSupportedImagesOptions: { filter } };
  let page = await request('list images', (client) => client.account.listSupportedImages(options));
  for (;;) {
    found.push(...page.map(fromAnswer));
    const next = page.odatanextLink;
    if (next === undefined) return found;
    page = await request('list images', (client) => client.account.listSupportedImagesNext(next));
  }
}

const jobs = (send: Send, get: Get, request: Request) => ({
  add: (body: Body) => send('add job', (client) => client.job.add(toClient(body))),
  get: (id: string) => get('get job', (client) => client.job.get(id)),
  patch: (id: string, body: Body) =>
    send('patch job', (client) => client.job.patch(id, toClient(body))),
  disable: (id: string, disableTasks: 'requeue' | 'terminate' | 'wait') =>
    send('disable job', (client) => client.job.disable(id, disableTasks)),
  enable: (id: string) => send('enable job', (client) => client.job.enable(id)),
  delete: (id: string) => send('delete job', (client) => client.job.deleteMethod(id)),
  addTasks: async (id: string, tasks: Body[]) => {
    const { value = [] } = await request('add tasks', (client) =>
      client.task.addCollection(id, toClient(tasks as unknown as Body)),
    );
    return value.map(({ taskId, error }) => {
      if (error === undefined) return { taskId };
      const values = (error.values ?? []).map((item) => `${item.key ?? ''}: ${item.value ?? ''}`);
      const text = (error.message?.value ?? '').split('\n', 1)[0] ?? ''; // then come RequestId and Time
      const message = values.length === 0 ? text : `${text} (${values.join(', ')})`;
      return { taskId, error: { code: error.code ?? '', message } };
    });
  },
});

const tasks = (send: Send, get: Get) => ({
  add: (jobId: string, body: Body) =>
    send('add task', (client) => client.task.add(jobId, toClient(body))),
  get: (jobId: string, taskId: string) =>
    get('get task', (client) => client.task.get(jobId, taskId)),
  update: (jobId: string, taskId: string, body: Body) =>
    send('update task', (client) => client.task.update(jobId, taskId, toClient(body))),
  delete: (jobId: string, taskId: string) =>
    send('delete task', (client) => client.task.deleteMethod(jobId, taskId)),
});

const jobSchedules = (send: Send, get: Get) => ({
  add: (body: Body) => send('add job schedule', (client) => client.jobSchedule.add(toClient(body))),
  get: (id: string) => get('get job schedule', (client) => client.jobSchedule.get(id)),
  update: (id: string, body: Body) =>
    send('update job schedule', (client) => client.jobSchedule.update(id, toClient(body))),
  delete: (id: string) =>
    send('delete job schedule', (client) => client.jobSchedule.deleteMethod(id)),
});

const certificates = (send: Send, get: Get) => ({
  add: (body: Body) => send('add certificate', (client) => client.certificate.add(toClient(body))),
  get: (algorithm: string, thumbprint: string) =>
    get('get certificate', (client) => client.certificate.get(algorithm, thumbprint)),
  delete: (algorithm: string, thumbprint: string) =>
    send('delete certificate', (client) => client.certificate.deleteMethod(algorithm, thumbprint)),
  cancelDeletion: (algorithm: string, thumbprint: string) =>
    send('cancel deletion of certificate', (client) =>
      client.certificate.cancelDeletion(algorithm, thumbprint),
    ),
});

function clientFor(
  { endpoint, ca }: Connection,
  accountName: string,
  key: string,
): BatchServiceClient {
  return new BatchServiceClient(new BatchSharedKeyCredentials(accountName, key), endpoint, {
    noRetryPolicy: true, // ours knows what to do with a lost answer
    ...(ca !== undefined && {
      agentSettings: { http: new HttpAgent(), https: new HttpsAgent({ ca }) },
    }),
  });
}
