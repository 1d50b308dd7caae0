import { execFile } from 'node:child_process';
import type { BatchServiceClient } from '@azure/batch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { batchClient } from '../support/client.js';
import { LONG, PROCESS_POOL, waits } from '../support/process-pool.js';
import { BATCHYARD, startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';
import { waitFor } from '../support/wait-for.js';

const HOST = '(this machine)';
const LOCATION =
  '/subscriptions/00000000-0000-0000-0000-000000000000/providers/Microsoft.Batch/locations/local';

let controller: StartedController;
let client: BatchServiceClient;
let until: ReturnType<typeof waits>;
beforeAll(async () => {
  controller = await startController({
    configuration: {
      processNodes: { vcpus: 4, memoryMiB: 65_536 },
      hypervisors: [{ name: 'rack-a', uri: 'nonsense:///system', labels: { rack: 'a' } }],
    },
  });
  client = batchClient(controller);
  until = waits(client);
});
afterAll(() => controller.stop());

interface Answer {
  status: number;
  body: { value?: { name: string; properties: object }[]; properties?: object; error?: object };
}
async function manage(method: string, path: string, body?: object): Promise<Answer> {
  const url = `${controller.url}${LOCATION}${path}?api-version=2022-10-01`;
  const response = await fetch(url, {
    method,
    headers: {
      authorization: `Bearer ${controller.adminToken}`,
      'content-type': 'application/json',
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}
const path = (name: string) => `/hypervisors/${encodeURIComponent(name)}`;

/** The command, as a user would run it. */
const batchyard = (token: string | undefined, ...args: string[]) =>
  new Promise<{ code: number; out: string; error: string }>((resolve) => {
    const { BATCHYARD_ADMIN_TOKEN: _none, ...environment } = process.env;
    const env = {
      ...environment,
      BATCHYARD_ENDPOINT: controller.url,
      ...(token === undefined ? {} : { BATCHYARD_ADMIN_TOKEN: token }),
    };
    execFile(process.execPath, [BATCHYARD, ...args], { env }, (failure, out, error) => {
      resolve({ code: failure === null ? 0 : Number(failure.code), out, error });
    });
  });

describe('hypervisors in the management plane', () => {
  it('are listed with what they have, what is used of it, their state and nodes', async () => {
    await client.pool.add({ ...PROCESS_POOL, id: 'p', targetDedicatedNodes: 1 });
    await until.nodes('p', 'idle');
    const { status, body } = await manage('GET', '/hypervisors');
    expect(status).toBe(200);
    const found = body.value?.find(({ name }) => name === HOST);
    expect(found?.properties).toMatchObject({
      provider: 'process',
      state: 'available',
      maintenance: false,
      capacity: { vcpus: 4, memoryMiB: 65_536 },
      used: { vcpus: 2 },
      currentDedicatedNodes: 1,
      currentLowPriorityNodes: 0,
    });
    expect(body.value?.find(({ name }) => name === 'rack-a')?.properties).toMatchObject({
      provider: 'libvirt',
      labels: { rack: 'a' },
    });
    expect(await manage('GET', path('rack-a'))).toMatchObject({ status: 200 });
  });

  it('refuse what is no switch, and names that there are not', async () => {
    const wrong = await manage('PATCH', path(HOST), { properties: { maintenance: 'on' } });
    expect(wrong.status).toBe(400);
    const none = { properties: { maintenance: true } };
    expect(await manage('PATCH', path('none'), none)).toMatchObject({ status: 404 });
    expect(await manage('GET', path('none'))).toMatchObject({ status: 404 });
  });
});

describe('batchyard hypervisor', () => {
  it('lists them as a table, or as JSON', async () => {
    const { out, code } = await batchyard(controller.adminToken, 'hypervisor', 'list');
    expect(code).toBe(0);
    expect(out).toMatch(/^name +state +nodes +vCPUs +MiB +GiB of disk +labels\n/);
    expect(out).toMatch(/^\(this machine\) +available +1 +2\/4 +\d+\/65536 +\d+\/any$/m);
    const json = await batchyard(controller.adminToken, 'hypervisor', 'list', '--json');
    expect((JSON.parse(json.out) as object[]).length).toBe(2);
  });

  it('drains one without a restart: tasks end, nothing new begins there, over a restart too', async () => {
    await client.job.add({ id: 'j', poolInfo: { poolId: 'p' } });
    await client.task.add('j', { id: 't', commandLine: LONG });
    await until.task('j', 't', 'running');
    const on = await batchyard(controller.adminToken, 'hypervisor', 'maintenance', HOST, 'on');
    expect(on).toMatchObject({ code: 0, out: expect.stringMatching(/maintenance +1 /) as string });
    await until.nodes('p', 'leavingpool');
    await controller.restart();
    expect(await client.task.get('j', 't')).toMatchObject({ state: 'running' });
    await client.job.terminate('j');
    await waitFor('the node to be gone', async () => {
      return (await client.computeNode.list('p')).length === 0;
    });
    const { resizeErrors } = await until.steady('p');
    expect(resizeErrors?.[0]?.values?.[0]?.value).toContain(`${HOST}: it is in maintenance`);
    const args = ['hypervisor', 'maintenance', HOST];
    expect((await batchyard(controller.adminToken, ...args, 'on', '--wait')).code).toBe(0);
    expect((await batchyard(controller.adminToken, ...args, 'off')).out).toMatch(/available +0 /);
    await client.pool.resize('p', { targetDedicatedNodes: 1 });
    await until.nodes('p', 'idle');
  });

  it('says in one line what is wrong', async () => {
    const { adminToken } = controller;
    const [without, wrong, none, nobody, word] = await Promise.all([
      batchyard(undefined, 'hypervisor', 'list'),
      batchyard('not-the-token', 'hypervisor', 'list'),
      batchyard(adminToken, 'hypervisor', 'maintenance', 'none', 'on'),
      batchyard(adminToken, 'hypervisor', 'list', '--endpoint', 'http://127.0.0.1:1'),
      batchyard(adminToken, 'hypervisor', 'maintenance', HOST, 'maybe'),
    ]);
    expect(without).toMatchObject({ code: 1, out: '' });
    expect(without.error).toMatch(/^batchyard: no admin token: .+\n$/);
    expect(wrong.error).toMatch(/^batchyard: InvalidAuthenticationToken: .+\n$/);
    expect(none).toMatchObject({ code: 1 });
    expect(none.error).toMatch(/hypervisors\/none/);
    expect(nobody.error).toMatch(
      /^batchyard: no controller answers at http:\/\/127\.0\.0\.1:1: .+/,
    );
    expect(word).toMatchObject({ code: 2 });
  });
});
