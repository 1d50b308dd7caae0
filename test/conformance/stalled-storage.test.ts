import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROCESS_POOL } from '../support/process-pool.js';
import { signedRequest } from '../support/signed-request.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';

/** Accepts connections and requests, and never answers. */
class SilentServer {
  readonly sockets = new Set<Socket>();
  private constructor(private readonly server: Server) {}

  static async start(): Promise<SilentServer> {
    const server = createServer();
    const silent = new SilentServer(server);
    server.on('connection', (socket) => {
      silent.sockets.add(socket);
      // The controller gives up; how it does is its own affair.
      socket.on('error', () => undefined).on('close', () => silent.sockets.delete(socket));
      socket.resume();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return silent;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

const HOME =
  '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/batchyard/providers/Microsoft.Batch/batchAccounts';
const POOL = { id: 'p', ...PROCESS_POOL };
const key = Buffer.from('key').toString('base64');
const BACKENDS: [string, (endpoint: string) => object][] = [
  [
    'S3',
    (endpoint) => ({
      kind: 's3',
      bucket: 'bucket',
      endpoint,
      accessKeyId: 'a',
      secretAccessKey: 's',
    }),
  ],
  [
    'Azure Blob',
    (endpoint) => ({
      kind: 'azure-blob',
      accountName: 'acc',
      accountKey: key,
      endpoint: `${endpoint}/acc`,
    }),
  ],
];

describe.each(BACKENDS)('a backend in %s that never answers', (_, storage) => {
  let server: SilentServer;
  let controller: StartedController;
  beforeAll(async () => {
    server = await SilentServer.start();
    const endpoint = `http://127.0.0.1:${String(server.port)}`;
    // It starts all the same: everything else can go on.
    controller = await startController({
      configuration: { storage: { ...storage(endpoint), answerLimit: 'PT0.5S' } },
    });
  });
  afterAll(async () => {
    await server.stop();
    await controller.stop();
  });

  const blob = (method: string, path: string, body?: string) =>
    fetch(`${controller.url}/storage/${controller.account}/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${controller.adminToken}`,
        ...(body !== undefined && { 'x-ms-blob-type': 'BlockBlob' }),
      },
      ...(body !== undefined && { body }),
      // As long as clients wait.
      signal: AbortSignal.timeout(30_000),
    });

  it.each<[string, string, string, string?]>([
    ['a container', 'PUT', 'box?restype=container'],
    ['a listing', 'GET', 'box?restype=container&comp=list'],
    ['a blob', 'GET', 'box/a.txt'],
    ['an upload', 'PUT', 'box/a.txt', 'content'],
    ['a large upload', 'PUT', 'box/b.txt', 'x'.repeat(20_000_000)],
    ['a deletion', 'DELETE', 'box/a.txt'],
  ])(
    'lets no request for %s wait longer than clients do: 503, come again',
    async (_name, method, path, body) => {
      const answer = await blob(method, path, body);
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, expect.any(String)]);
      expect(await answer.text()).toContain('<Code>ServerBusy</Code>');
    },
  );

  it('answers so in the data plane and in the management plane, too', async () => {
    const job = { id: 'j', poolInfo: { poolId: 'p' } };
    await signedRequest(controller, 'POST', '/pools', { body: JSON.stringify(POOL) });
    await signedRequest(controller, 'POST', '/jobs', { body: JSON.stringify(job) });
    const factory = {
      id: 'f',
      repeatTask: { commandLine: '/bin/true' },
      filesOf: { autoStorageContainerName: 'box' },
    };
    const added = await signedRequest(controller, 'POST', '/jobs/j/addtaskfactory', {
      body: JSON.stringify(factory),
      withinMs: 30_000,
    });
    expect([added.status, added.code]).toEqual([503, 'ServerBusy']);
    const manage = (path: string) =>
      fetch(`${controller.url}${HOME}/${controller.account}/${path}?api-version=2023-11-01`, {
        method: 'PUT',
        headers: {
          authorization: `Bearer ${controller.adminToken}`,
          'content-type': 'application/json',
        },
        body: '{}',
        signal: AbortSignal.timeout(30_000),
      });
    expect((await manage('applications/tool')).status).toBe(200);
    expect((await manage('applications/tool/versions/1.0')).status).toBe(503);
  });
});
