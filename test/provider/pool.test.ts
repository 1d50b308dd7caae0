import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { account } from '../../provider/core/account.js';
import { Incomplete } from '../../provider/core/failure.js';
import { pool } from '../../provider/core/pool/pool.js';
import { startFakeBatch, type FakeBatch } from '../support/fake-batch.js';
import { ACCOUNT, fixed, make, POOL, portsOn, UNKNOWN } from './ports.js';

let fake: FakeBatch;
beforeAll(async () => {
  fake = await startFakeBatch();
  await make(account, ACCOUNT, portsOn(fake));
});
afterAll(() => fake.stop());
beforeEach(() => {
  fake.pools.clear();
  fake.requests.length = 0;
  fake.intercept = undefined;
});

describe('check of a pool', () => {
  const failures = async (inputs: object) =>
    (await pool.check({}, { ...POOL, ...inputs })).failures;
  it('passes what the service takes', async () => {
    expect(await failures({})).toEqual([]);
  });
  it('names property and limit of a wrong value', async () => {
    const [failure] = await failures(fixed(-1));
    expect(failure?.property).toBe('scaleSettings');
    expect(failure?.reason).toMatch(/^scaleSettings\.fixedScale\.targetDedicatedNodes: .*0/);
  });
  it('names what is missing and what is unknown by name', async () => {
    expect(await failures({ vmSize: undefined })).toContainEqual({
      property: 'vmSize',
      reason: 'is required',
    });
    expect((await failures({ vmsize: 'x' }))[0]?.property).toBe('vmsize');
  });
  it('refuses a deallocation option that does not exist', async () => {
    const [failure] = await failures({
      scaleSettings: { fixedScale: { nodeDeallocationOption: 'Never' } },
    });
    expect(failure?.reason).toContain('TaskCompletion');
  });
  it('leaves values that are not known yet to the service', async () => {
    expect(
      await failures({
        poolName: UNKNOWN,
        startTask: { commandLine: 'x', resourceFiles: [{ httpUrl: UNKNOWN, filePath: 'a' }] },
        certificates: [{ id: UNKNOWN }],
      }),
    ).toEqual([]);
  });
});

describe('diff of a pool', () => {
  const diff = (change: object) =>
    pool.diff('id', { ...POOL, allocationState: 'steady' }, { ...POOL, ...change });
  it('sees no change where a default is spelled out or the case differs', () => {
    expect(
      diff({
        taskSlotsPerNode: 1,
        vmSize: 'STANDARD_A1_V2',
        taskSchedulingPolicy: { nodeFillType: 'Spread' },
      }).changes,
    ).toBe(false);
  });
  it('replaces for an immutable property, and deletes first because the id stays', () => {
    expect(diff({ vmSize: 'standard_a2_v2' })).toEqual({
      changes: true,
      replaces: ['vmSize'],
      deleteBeforeReplace: true,
    });
  });
  it('creates first where the id changes', () => {
    expect(diff({ poolName: 'p2' })).toEqual({
      changes: true,
      replaces: ['poolName'],
      deleteBeforeReplace: false,
    });
  });
  it('updates nodes, start task, certificates and metadata in place', () => {
    for (const change of [
      fixed(3),
      { startTask: { commandLine: 'x' } },
      { certificates: [{ thumbprint: 'ab' }] },
      { metadata: [{ name: 'a', value: 'b' }] },
    ])
      expect(diff(change)).toMatchObject({
        changes: true,
        replaces: [],
        deleteBeforeReplace: false,
      });
  });
  it('takes an immutable value that is not known yet for a change, and compares the rest', () => {
    expect(diff({ vmSize: UNKNOWN }).replaces).toEqual(['vmSize']);
    expect(diff({ startTask: { commandLine: UNKNOWN } })).toMatchObject({
      changes: true,
      replaces: [],
    });
  });
  it('needs no call for what only steers the provider', () => {
    expect(
      diff({
        waitFor: 'accepted',
        timeouts: { create: 'PT1H' },
        owner: 'other',
        connection: { endpoint: 'http://h' },
      }).changes,
    ).toBe(false);
  });
});

describe('create of a pool', () => {
  it('waits until the nodes are allocated and echoes the inputs', async () => {
    const { id, outs } = await make(pool, POOL, portsOn(fake));
    expect(id).toMatch(/batchAccounts\/yard\/pools\/p1$/);
    expect(outs).toMatchObject({ ...POOL, allocationState: 'steady', currentDedicatedNodes: 2 });
  });
  it('ends well where the answer was lost on the way', async () => {
    let lost = false;
    fake.intercept = (line) => {
      if (line !== 'POST /pools' || lost) return undefined;
      lost = true;
      return 'hang up after it';
    };
    await make(pool, POOL, portsOn(fake));
    expect(fake.requests.filter((line) => line === 'POST /pools')).toHaveLength(2);
  });
  it("refuses a pool that is somebody else's, and says what to do", async () => {
    await make(pool, { ...POOL, owner: 'another/stack/pool' }, portsOn(fake));
    await expect(make(pool, POOL, portsOn(fake))).rejects.toThrow(
      /Pool p1 .*exists already.*adoptExisting/,
    );
  });
  it('adopts one on request, marks it and changes only what differs', async () => {
    await make(pool, { ...POOL, owner: 'another/stack/pool' }, portsOn(fake));
    fake.requests.length = 0;
    await make(pool, { ...POOL, ...fixed(3), adoptExisting: true }, portsOn(fake));
    expect(fake.requests.filter((line) => !line.startsWith('GET'))).toEqual([
      'POST /pools',
      'PATCH /pools/p1',
      'POST /pools/p1/resize',
    ]);
    await expect(
      make(pool, { ...POOL, vmSize: 'standard_a2_v2', adoptExisting: true }, portsOn(fake)),
    ).rejects.toThrow(/vmSize/);
  });
  it('keeps a pool without all its nodes in the state, with the reason, and the next update mends it', async () => {
    fake.resizeErrors = [
      { code: 'AllocationFailed', message: 'no room', values: [{ name: 'host', value: 'h1' }] },
    ];
    const error = await make(pool, POOL, portsOn(fake)).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(Incomplete);
    expect((error as Incomplete).reasons[0]).toMatch(
      /Pool p1 .*AllocationFailed: no room, host: h1/,
    );
    const outs = await pool.update(
      (error as Incomplete).id,
      (error as Incomplete).properties,
      POOL,
      portsOn(fake),
    );
    expect(outs.currentDedicatedNodes).toBe(2);
  });
  it("shows the service's own text and values", async () => {
    fake.intercept = (line) =>
      line === 'POST /pools'
        ? {
            status: 400,
            body: {
              code: 'InvalidPropertyValue',
              message: { value: 'The value is invalid.' },
              values: [{ key: 'PropertyName', value: 'vmSize' }],
            },
          }
        : undefined;
    await expect(make(pool, POOL, portsOn(fake))).rejects.toThrow(
      'Pool p1 (account yard): POST /pools: 400 InvalidPropertyValue: The value is invalid. (PropertyName: vmSize)',
    );
  });
});

describe('update, read and delete of a pool', () => {
  it('resizes once, with the deallocation option', async () => {
    const { id, outs } = await make(pool, POOL, portsOn(fake));
    fake.requests.length = 0;
    await pool.update(id, outs, { ...POOL, ...fixed(1) }, portsOn(fake));
    expect(fake.requests.filter((line) => !line.startsWith('GET'))).toEqual([
      'POST /pools/p1/resize',
    ]);
    expect(fake.pools.get('p1')?.lastResize).toMatchObject({
      targetDedicatedNodes: 1,
      nodeDeallocationOption: 'taskcompletion',
    });
  });
  it('takes a start task away', async () => {
    const { id, outs } = await make(
      pool,
      { ...POOL, startTask: { commandLine: 'x' } },
      portsOn(fake),
    );
    await pool.update(id, outs, POOL, portsOn(fake));
    expect(fake.pools.get('p1')?.startTask).toBeUndefined();
  });
  it('reports what was changed behind its back, and nothing else', async () => {
    const { id, outs } = await make(pool, POOL, portsOn(fake));
    expect((await pool.read(id, outs, portsOn(fake)))?.inputs).toEqual(POOL);
    Object.assign(fake.pools.get('p1') ?? {}, { targetDedicatedNodes: 5 });
    const found = await pool.read(id, outs, portsOn(fake));
    expect(found?.inputs).toEqual({ ...POOL, ...fixed(5) });
    expect(pool.diff(id, found?.props ?? {}, POOL).changes).toBe(true);
  });
  it("believes only the service's own code that a pool is gone", async () => {
    const { id, outs } = await make(pool, POOL, portsOn(fake));
    fake.intercept = (line) =>
      line === 'GET /pools/p1' ? { status: 404, text: 'not here' } : undefined;
    await expect(pool.read(id, outs, portsOn(fake))).rejects.toThrow('404');
    fake.intercept = undefined;
    fake.pools.clear();
    expect(await pool.read(id, outs, portsOn(fake))).toBeUndefined();
  });
  it('deletes until it is gone, also twice', async () => {
    const { id, outs } = await make(pool, POOL, portsOn(fake));
    await pool.delete(id, outs, portsOn(fake));
    await pool.delete(id, outs, portsOn(fake));
    expect(fake.pools.size).toBe(0);
  });
});

describe('a pool that is scaled by a formula', () => {
  const auto = (formula: string, more: object = {}) => ({
    ...POOL,
    scaleSettings: { autoScale: { formula, ...more } },
  });
  const calls = () => fake.requests.filter((line) => !line.startsWith('GET'));
  it('is enabled and disabled in place, and sized again after that', async () => {
    const { id, outs } = await make(pool, POOL, portsOn(fake));
    const news = auto('$TargetDedicatedNodes = 1;');
    expect(pool.diff(id, outs, news)).toMatchObject({ changes: true, replaces: [] });
    fake.requests.length = 0;
    const scaled = await pool.update(id, outs, news, portsOn(fake));
    expect(calls()).toEqual(['POST /pools/p1/enableautoscale']);
    Object.assign(fake.pools.get('p1') ?? {}, {
      targetDedicatedNodes: 1,
      currentDedicatedNodes: 1,
    });
    fake.requests.length = 0;
    await pool.update(id, scaled, POOL, portsOn(fake));
    expect(calls()).toEqual(['POST /pools/p1/disableautoscale', 'POST /pools/p1/resize']);
    expect(fake.pools.get('p1')).toMatchObject({ enableAutoScale: false, targetDedicatedNodes: 2 });
  });
  it('has whatever size the formula gives it', async () => {
    const inputs = auto('$TargetDedicatedNodes = 1;', { evaluationInterval: 'PT15M' });
    const { id, outs } = await make(pool, inputs, portsOn(fake));
    Object.assign(fake.pools.get('p1') ?? {}, { targetDedicatedNodes: 7, resizeTimeout: 'PT15M' });
    expect((await pool.read(id, outs, portsOn(fake)))?.inputs).toEqual(inputs);
    expect(pool.diff(id, outs, auto('$TargetDedicatedNodes = 1;')).changes).toBe(false);
  });
  it('shows another formula, and being fixed, as drift', async () => {
    const { id, outs } = await make(pool, auto('$TargetDedicatedNodes = 1;'), portsOn(fake));
    Object.assign(fake.pools.get('p1') ?? {}, { autoScaleFormula: '$TargetDedicatedNodes = 9;' });
    expect((await pool.read(id, outs, portsOn(fake)))?.inputs).toMatchObject({
      scaleSettings: { autoScale: { formula: '$TargetDedicatedNodes = 9;' } },
    });
    const found = fake.pools.get('p1') ?? {};
    for (const name of ['autoScaleFormula', 'autoScaleEvaluationInterval']) delete found[name];
    Object.assign(found, { enableAutoScale: false, targetDedicatedNodes: 3 });
    expect((await pool.read(id, outs, portsOn(fake)))?.inputs?.scaleSettings).toEqual({
      fixedScale: { targetDedicatedNodes: 3, targetLowPriorityNodes: 0 },
    });
  });
  it('waits where the service takes no other formula yet', async () => {
    const { id, outs } = await make(pool, auto('$TargetDedicatedNodes = 1;'), portsOn(fake));
    let refused = 0;
    fake.intercept = (line) =>
      line.endsWith('enableautoscale') && ++refused < 3
        ? {
            status: 409,
            body: { code: 'TooManyEnableAutoScaleRequests', message: { value: 'wait' } },
          }
        : undefined;
    await pool.update(id, outs, auto('$TargetDedicatedNodes = 2;'), portsOn(fake));
    expect(refused).toBe(3);
    expect(fake.pools.get('p1')?.autoScaleFormula).toBe('$TargetDedicatedNodes = 2;');
  });
});

describe('what a pool can have beside its nodes', () => {
  const machine = POOL.deploymentConfiguration.virtualMachineConfiguration;
  const EVERYTHING = {
    ...POOL,
    deploymentConfiguration: {
      virtualMachineConfiguration: {
        ...machine,
        containerConfiguration: {
          type: 'DockerCompatible',
          containerRegistries: [{ registryServer: 'r', userName: 'u', password: 'hidden-1' }],
        },
      },
    },
    applicationPackages: [{ id: '/x/applications/tool/versions/1.0' }],
    networkConfiguration: {
      dynamicVnetAssignmentScope: 'none',
      endpointConfiguration: {
        inboundNatPools: [
          {
            name: 'ssh',
            protocol: 'TCP',
            backendPort: 8080,
            frontendPortRangeStart: 15000,
            frontendPortRangeEnd: 15100,
          },
        ],
      },
    },
    interNodeCommunication: 'Enabled',
    userAccounts: [{ name: 'u', password: 'hidden-2', elevationLevel: 'Admin' }],
    mountConfiguration: [
      {
        cifsMountConfiguration: {
          userName: 'u',
          password: 'hidden-3',
          source: '//h/s',
          relativeMountPath: 'm',
        },
      },
    ],
    targetNodeCommunicationMode: 'Simplified',
  };
  it('reaches the service under its own names, and reads back as it was given', async () => {
    const { id, outs } = await make(pool, EVERYTHING, portsOn(fake));
    const found = fake.pools.get('p1') ?? {};
    expect(found).toMatchObject({
      enableInterNodeCommunication: true,
      applicationPackageReferences: [{ applicationId: 'tool', version: '1.0' }],
      networkConfiguration: { endpointConfiguration: { inboundNATPools: [{ name: 'ssh' }] } },
      mountConfiguration: [{ cifsMountConfiguration: { username: 'u', password: 'hidden-3' } }],
      virtualMachineConfiguration: {
        containerConfiguration: { containerRegistries: [{ username: 'u' }] },
      },
      targetNodeCommunicationMode: 'Simplified',
    });
    // The service keeps secrets to itself.
    fake.pools.set(
      'p1',
      JSON.parse(
        JSON.stringify(found, (key, value: unknown) => (key === 'password' ? undefined : value)),
      ) as Record<string, unknown>,
    );
    expect((await pool.read(id, outs, portsOn(fake)))?.inputs).toEqual(EVERYTHING);
  });
  it('is changed in place where the service can, else by another pool', () => {
    const replaces = (change: object) => {
      const result = pool.diff('id', EVERYTHING, { ...EVERYTHING, ...change });
      expect(result.changes).toBe(true);
      return result.replaces;
    };
    expect(replaces({ applicationPackages: undefined })).toEqual([]);
    expect(replaces({ targetNodeCommunicationMode: 'Default' })).toEqual([]);
    for (const name of ['networkConfiguration', 'userAccounts', 'mountConfiguration'])
      expect(replaces({ [name]: undefined })).toEqual([name]);
    expect(replaces({ interNodeCommunication: 'Disabled' })).toEqual(['interNodeCommunication']);
  });
  it('is taken away by its default, also together with the start task', async () => {
    const { id, outs } = await make(
      pool,
      { ...EVERYTHING, startTask: { commandLine: 'x' } },
      portsOn(fake),
    );
    const bodies: unknown[] = [];
    fake.intercept = (line, body) => {
      if (line === 'PATCH /pools/p1' || line === 'POST /pools/p1/updateproperties')
        bodies.push(body);
      return undefined;
    };
    const without = { ...EVERYTHING, startTask: undefined };
    const kept = await pool.update(id, outs, without, portsOn(fake));
    expect(bodies[0]).toMatchObject({
      applicationPackageReferences: [{ applicationId: 'tool', version: '1.0' }],
      targetNodeCommunicationMode: 'Simplified',
    });
    const bare = { ...without, applicationPackages: [], targetNodeCommunicationMode: undefined };
    await pool.update(id, kept, bare, portsOn(fake));
    expect(bodies[1]).toEqual({
      applicationPackageReferences: [],
      targetNodeCommunicationMode: 'default',
    });
  });
  it('is refused without the value where there are secrets in it', async () => {
    const { failures } = await pool.check(
      {},
      { ...POOL, userAccounts: [{ name: '', password: 'hidden-2' }] },
    );
    expect(failures).toEqual([{ property: '', reason: 'userAccounts[0].name: must not be empty' }]);
  });
});
