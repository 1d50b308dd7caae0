import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type Body = Record<string, unknown>;
interface Answer {
  status: number;
  body?: unknown;
  text?: string;
}

/**
 * As much of a controller as the provider asks for, in memory: for provoking what a real one does
 * rarely (an answer that is lost, a resize that fails). Real ones are in start-controller.ts.
 */
export interface FakeBatch {
  readonly url: string;
  readonly adminToken: string;
  /** `METHOD /path` of every request so far. */
  readonly requests: string[];
  readonly pools: Map<string, Body>;
  readonly jobs: Map<string, Body>;
  readonly tasks: Map<string, Body>;
  readonly certificates: Map<string, Body>;
  readonly jobSchedules: Map<string, Body>;
  readonly accounts: Map<string, Body>;
  readonly blobs: Map<string, Buffer>;
  /** Answers a request in the place of the fake; undefined: no opinion. */
  intercept:
    ((request: string, body: unknown) => Answer | 'hang up after it' | undefined) | undefined;
  /** Put into a pool when its next resize ends. */
  resizeErrors: unknown[];
  stop(): Promise<void>;
}

const refuse = (status: number, code: string, text: string): Answer => ({
  status,
  body: { code, message: { lang: 'en-us', value: text }, values: [] },
});

class Fake implements FakeBatch {
  readonly adminToken = 'fake-admin-token';
  readonly requests: string[] = [];
  readonly pools = new Map<string, Body>();
  readonly jobs = new Map<string, Body>();
  readonly tasks = new Map<string, Body>();
  readonly certificates = new Map<string, Body>();
  readonly jobSchedules = new Map<string, Body>();
  readonly accounts = new Map<string, Body>();
  readonly blobs = new Map<string, Buffer>();
  readonly containers = new Set<string>();
  intercept: FakeBatch['intercept'];
  resizeErrors: unknown[] = [];
  url = '';
  private readonly server = createServer((request, response) => {
    this.serve(request, response).catch((error: unknown) => {
      response.statusCode = 500;
      response.end(String(error));
    });
  });

  async start(): Promise<this> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    return this;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const bytes = Buffer.concat(parts);
    const url = new URL(request.url ?? '/', this.url);
    const path = decodeURIComponent(url.pathname);
    const line = `${request.method ?? ''} ${path}`;
    this.requests.push(line);
    const isJson = /json/.test(request.headers['content-type'] ?? '') && bytes.length > 0;
    const body = isJson ? (JSON.parse(bytes.toString()) as Body) : undefined;
    const wish = this.intercept?.(line, body);
    const answer =
      typeof wish === 'object' ? wish : this.route(line, path, body ?? {}, bytes, request, url);
    if (wish === 'hang up after it') {
      request.socket.destroy();
      return;
    }
    response.statusCode = answer.status;
    if (answer.text !== undefined) response.end(answer.text);
    else {
      response.setHeader('content-type', 'application/json');
      response.end(answer.body === undefined ? '' : JSON.stringify(answer.body));
    }
  }

  private route(
    line: string,
    path: string,
    body: Body,
    bytes: Buffer,
    request: IncomingMessage,
    url: URL,
  ): Answer {
    const method = line.split(' ', 1)[0] ?? '';
    const authorization = request.headers.authorization ?? '';
    if (path.startsWith('/subscriptions/') || path.startsWith('/storage/')) {
      if (authorization !== `Bearer ${this.adminToken}`)
        return {
          status: 401,
          body: { error: { code: 'AuthenticationFailed', message: 'the token is wrong' } },
        };
      return path.startsWith('/storage/')
        ? this.storage(method, path, bytes, url)
        : this.management(method, path, body);
    }
    const account = /^SharedKey ([^:]+):/.exec(authorization)?.[1];
    if (account === undefined || !this.accounts.has(account))
      return refuse(403, 'AuthenticationFailed', 'Server failed to authenticate the request.');
    const [, head = '', name = '', ...rest] = path.split('/');
    const action = rest.join('/');
    switch (head.split('(', 1)[0]) {
      case 'pools':
        return this.pool(method, name, action, body);
      case 'jobs':
        return this.job(method, name, action, body);
      case 'jobschedules':
        return this.entity(this.jobSchedules, 'JobSchedule', method, name, body);
      case 'certificates':
        return this.certificate(method, /thumbprint=([^),]+)\)?$/i.exec(path)?.[1] ?? '', body);
      default:
        return refuse(501, 'NotImplemented', `not in the fake: ${line}`);
    }
  }

  private management(method: string, path: string, body: Body): Answer {
    const [, name = '', action = ''] = /batchAccounts\/([^/]+)\/?(.*)$/.exec(path) ?? [];
    const found = this.accounts.get(name);
    const missing = {
      status: 404,
      body: { error: { code: 'ResourceNotFound', message: 'no such account' } },
    };
    if (method === 'PUT') {
      const properties = {
        accountEndpoint: new URL(this.url).host,
        provisioningState: 'Succeeded',
      };
      this.accounts.set(name, {
        id: path,
        name,
        location: body.location,
        tags: body.tags,
        properties,
        keys: ['a2V5MQ==', 'a2V5Mg=='],
      });
      return { status: 200, body: this.accounts.get(name) };
    }
    if (!found) return method === 'DELETE' ? { status: 204 } : missing;
    if (action === 'listKeys') {
      const [primary, secondary] = found.keys as string[];
      return { status: 200, body: { accountName: name, primary, secondary } };
    }
    if (action === 'regenerateKeys') {
      const keys = found.keys as string[];
      keys[body.keyName === 'Primary' ? 0 : 1] = Buffer.from(
        `new ${String(body.keyName)}`,
      ).toString('base64');
      return { status: 200, body: { accountName: name, primary: keys[0], secondary: keys[1] } };
    }
    if (method === 'PATCH') found.tags = body.tags;
    if (method === 'DELETE') this.accounts.delete(name);
    return { status: 200, body: found };
  }

  private storage(method: string, path: string, bytes: Buffer, url: URL): Answer {
    const [, , , container = '', ...blob] = path.split('/');
    const name = `${container}/${blob.join('/')}`;
    const there = this.containers.has(container);
    if (url.searchParams.get('restype') === 'container') {
      if (method === 'PUT') this.containers.add(container);
      else if (!there)
        return {
          status: 404,
          text: '<Error><Code>ContainerNotFound</Code><Message>none</Message></Error>',
        };
      if (method === 'DELETE') {
        this.containers.delete(container);
        for (const key of this.blobs.keys())
          if (key.startsWith(`${container}/`)) this.blobs.delete(key);
        return { status: 202, text: '' };
      }
      const blobs = [...this.blobs].filter(([key]) => key.startsWith(`${container}/`));
      const xml = blobs.map(
        ([key, content]) =>
          `<Blob><Name>${key.slice(container.length + 1)}</Name><Properties><Content-Length>${content.length}</Content-Length></Properties></Blob>`,
      );
      return method === 'GET'
        ? {
            status: 200,
            text: `<EnumerationResults><Blobs>${xml.join('')}</Blobs><NextMarker/></EnumerationResults>`,
          }
        : { status: there ? 409 : 201, text: '' };
    }
    if (method === 'PUT') this.blobs.set(name, bytes);
    if (method === 'DELETE') return { status: this.blobs.delete(name) ? 202 : 404, text: '' };
    return { status: 201, text: '' };
  }

  private entity(
    entities: Map<string, Body>,
    type: string,
    method: string,
    name: string,
    body: Body,
  ): Answer {
    if (method === 'POST' && name === '') {
      const id = String(body.id);
      if (entities.has(id.toLowerCase()))
        return refuse(409, `${type}Exists`, `The specified ${type} already exists.`);
      entities.set(id.toLowerCase(), {
        ...body,
        state: 'active',
        creationTime: '2026-01-01T00:00:00Z',
      });
      return { status: 201 };
    }
    const found = entities.get(name.toLowerCase());
    if (!found) return refuse(404, `${type}NotFound`, `The specified ${type} does not exist.`);
    if (method === 'DELETE') {
      entities.delete(name.toLowerCase());
      return { status: 202 };
    }
    if (method === 'PATCH' || method === 'PUT') Object.assign(found, body);
    return { status: 200, ...(method === 'GET' && { body: found }) };
  }

  private pool(method: string, name: string, action: string, body: Body): Answer {
    if (action === 'nodes') return { status: 200, body: { value: [] } };
    const found = this.pools.get(name.toLowerCase());
    if (method === 'POST' && name === '') {
      const answer = this.entity(this.pools, 'Pool', method, name, body);
      const made = this.pools.get(String(body.id).toLowerCase());
      if (answer.status === 201 && made)
        Object.assign(made, {
          targetLowPriorityNodes: 0,
          targetDedicatedNodes: 0,
          ...body,
          allocationState: 'resizing',
          currentDedicatedNodes: 0,
          currentLowPriorityNodes: 0,
        });
      return answer;
    }
    if (action === '' || !found) {
      // Each look brings a resize to its end.
      const answer = this.entity(this.pools, 'Pool', method, name, body);
      if (method !== 'GET' || !found || found.allocationState === 'steady') return answer;
      const seen = structuredClone(found);
      const failed = this.resizeErrors.length > 0;
      Object.assign(found, {
        allocationState: 'steady',
        ...(failed
          ? { resizeErrors: this.resizeErrors }
          : {
              currentDedicatedNodes: found.targetDedicatedNodes,
              currentLowPriorityNodes: found.targetLowPriorityNodes,
            }),
      });
      this.resizeErrors = [];
      return { ...answer, body: seen };
    }
    if (action === 'resize') {
      if (found.allocationState !== 'steady')
        return refuse(409, 'PoolBeingResized', 'The specified pool is being resized.');
      delete found.resizeErrors;
      Object.assign(found, {
        targetDedicatedNodes: body.targetDedicatedNodes ?? found.targetDedicatedNodes,
        allocationState: 'resizing',
        lastResize: body,
      });
      return { status: 202 };
    }
    if (action === 'enableautoscale') {
      Object.assign(found, body, { enableAutoScale: true });
      return { status: 200 };
    }
    if (action === 'disableautoscale') {
      for (const name of ['autoScaleFormula', 'autoScaleEvaluationInterval']) delete found[name];
      found.enableAutoScale = false;
      return { status: 200 };
    }
    if (action === 'updateproperties') {
      delete found.startTask;
      Object.assign(found, body);
      return { status: 204 };
    }
    return refuse(501, 'NotImplemented', `not in the fake: pool ${action}`);
  }

  private job(method: string, name: string, action: string, body: Body): Answer {
    const found = this.jobs.get(name.toLowerCase());
    if (action === 'addtaskcollection') {
      const value = (body.value as Body[]).map((task) => {
        const id = `${name}/${String(task.id)}`.toLowerCase();
        if (this.tasks.has(id))
          return {
            status: 'clienterror',
            taskId: task.id,
            error: { code: 'TaskExists', message: { value: 'The specified task already exists.' } },
          };
        this.tasks.set(id, task);
        return { status: 'success', taskId: task.id };
      });
      return { status: 200, body: { value } };
    }
    if (found && (action === 'disable' || action === 'enable')) {
      found.state = action === 'disable' ? 'disabled' : 'active';
      return { status: 202 };
    }
    return this.entity(this.jobs, 'Job', method, name, body);
  }

  private certificate(method: string, thumbprint: string, body: Body): Answer {
    if (method === 'POST' && thumbprint === '') {
      return this.entity(this.certificates, 'Certificate', method, '', {
        ...body,
        id: body.thumbprint,
      });
    }
    return this.entity(this.certificates, 'Certificate', method, thumbprint, body);
  }
}

export const startFakeBatch = (): Promise<FakeBatch> => new Fake().start();
