import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { account } from '../../provider/core/account.js';
import { application } from '../../provider/core/application/application.js';
import { FUNCTIONS, type FunctionName } from '../../provider/core/functions/functions.js';
import { job } from '../../provider/core/job/job.js';
import { jobSchedule } from '../../provider/core/job/job-schedule.js';
import { holdsUnknown, objectOf, type Properties } from '../../provider/core/json.js';
import { pool } from '../../provider/core/pool/pool.js';
import { connect } from '../../provider/dynamic/connect.js';
import { lookUp } from '../../provider/dynamic/look-up.js';
import schema from '../../provider/process/schema.json' with { type: 'json' };
import { startController, type StartedController } from '../support/start-controller.js';
import { waitFor } from '../support/wait-for.js';
import { ACCOUNT, fixed, make, POOL } from './ports.js';

let controller: StartedController;
let settings: { endpoint: string; adminToken: string };
beforeAll(async () => {
  controller = await startController();
  settings = { endpoint: controller.url, adminToken: controller.adminToken };
  const ports = connect({}, settings);
  await make(account, { ...ACCOUNT, tags: { team: 'a' } }, ports);
  await make(application, { ...ACCOUNT, applicationName: 'tool', displayName: 'Tool' }, ports);
  await make(pool, { ...POOL, ...fixed(1), metadata: [{ name: 'a', value: 'b' }] }, ports);
  const poolInfo = { poolId: 'p1' };
  await make(job, { ...ACCOUNT, jobId: 'j1', poolInfo, priority: 5 }, ports);
  await make(
    jobSchedule,
    { ...ACCOUNT, jobScheduleId: 's1', schedule: {}, jobSpecification: { poolInfo } },
    ports,
  );
});
afterAll(() => controller.stop());

const ask = (name: FunctionName, args: Properties = {}) =>
  lookUp(name, { ...ACCOUNT, ...args }, settings);

describe('functions read what exists', () => {
  const answers: Record<FunctionName, () => Promise<Properties>> = {
    getAccount: () => ask('getAccount'),
    listAccountKeys: () => ask('listAccountKeys'),
    getApplication: () => ask('getApplication', { applicationName: 'tool' }),
    getPool: () => ask('getPool', { poolName: 'p1' }),
    listComputeNodes: () => ask('listComputeNodes', { poolName: 'p1' }),
    getRemoteLoginSettings: async () => {
      const { nodes } = await ask('listComputeNodes', { poolName: 'p1' });
      const [node] = nodes as Properties[];
      return ask('getRemoteLoginSettings', { poolName: 'p1', nodeId: node?.id });
    },
    listSupportedImages: () => ask('listSupportedImages', { filter: "osType eq 'linux'" }),
    getJob: () => ask('getJob', { jobId: 'j1' }),
    getJobSchedule: () => ask('getJobSchedule', { jobScheduleId: 's1' }),
  };
  const expected: Record<FunctionName, object> = {
    getAccount: { ...ACCOUNT, location: 'local', provisioningState: 'Succeeded' },
    listAccountKeys: { primary: expect.any(String) as string },
    getApplication: { applicationName: 'tool', displayName: 'Tool', allowUpdates: true },
    getPool: {
      poolName: 'p1',
      targetDedicatedNodes: 1,
      nodeAgentSkuId: 'batch.node.process',
      // Without the owner's mark.
      metadata: [{ name: 'a', value: 'b' }],
    },
    listComputeNodes: { nodes: [{ isDedicated: true, state: expect.any(String) as string }] },
    getRemoteLoginSettings: { remoteLoginPort: expect.any(Number) as number },
    listSupportedImages: { images: [{ nodeAgentSkuId: expect.any(String) as string }] },
    getJob: { jobId: 'j1', poolId: 'p1', priority: 5, state: 'active' },
    getJobSchedule: { jobScheduleId: 's1', recentJobId: 's1:job-1' },
  };
  for (const name of Object.keys(FUNCTIONS) as FunctionName[])
    it(`${name}, as the schema promises`, async () => {
      if (name === 'getJobSchedule')
        await waitFor('its first job', async () => 'recentJobId' in (await answers[name]()));
      const answer = await answers[name]();
      expect(answer).toMatchObject(expected[name]);
      const { functions } = schema as unknown as {
        functions: Record<string, { outputs: { properties: object; required?: string[] } }>;
      };
      const outputs = functions[`batchyard:index:${name}`]?.outputs;
      const promised = Object.keys(objectOf(outputs?.properties));
      expect(Object.keys(answer).filter((key) => !promised.includes(key))).toEqual([]);
      expect((outputs?.required ?? []).filter((key) => !(key in answer))).toEqual([]);
      expect(holdsUnknown(answer)).toBe(false);
    });
});

describe('functions refuse', () => {
  it('what is missing, of the wrong type or unknown, by function and argument', async () => {
    await expect(ask('getPool')).rejects.toThrow('getPool: poolName is required');
    await expect(ask('getPool', { poolName: 7 })).rejects.toThrow(
      'getPool: poolName must be a text',
    );
    await expect(ask('getPool', { poolname: 'x' })).rejects.toThrow(
      /^getPool: poolName is required; poolname is unknown/,
    );
  });
  it('what is not there, in the words of the service', async () => {
    await expect(ask('getJob', { jobId: 'none' })).rejects.toThrow(
      /Job none \(account yard\).*404/,
    );
    await expect(ask('getPool', { accountName: 'nobody', poolName: 'p1' })).rejects.toThrow(
      /Pool p1 \(account nobody\): account nobody .*does not exist/,
    );
  });
});
