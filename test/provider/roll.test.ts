import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { account } from '../../provider/core/account.js';
import { pool } from '../../provider/core/pool/pool.js';
import { Incomplete } from '../../provider/core/failure.js';
import type { Properties } from '../../provider/core/json.js';
import type { Ports } from '../../provider/core/ports.js';
import { connect } from '../../provider/dynamic/connect.js';
import { startController, type StartedController } from '../support/start-controller.js';
import { ACCOUNT, fixed, make, POOL } from './ports.js';

const start = (commandLine: string) => ({ startTask: { commandLine, waitForSuccess: true } });
const diff = (before: Properties, after: Properties) => pool.diff('', before, after);

describe('diff of a pool', () => {
  it('says which changes reach nodes only when they are rebooted, and whether that is done', () => {
    const startTask = { commandLine: 'x' };
    const notes = (change: Properties) => diff(POOL, { ...POOL, ...change }).notes;
    expect(notes({ startTask })?.[0]).toMatch(/new startTask when they are rebooted: .*rollNodes/);
    expect(notes({ startTask, rollNodes: { atOnce: 2 } })?.[0]).toMatch(
      /its nodes are rebooted, 2 at a time, to take the new startTask/,
    );
    for (const change of [fixed(3), { startTask, vmSize: 'standard_a2_v2' }, { rollNodes: {} }])
      expect(notes(change)).toBeUndefined();
  });
  it('takes lists whose order means nothing for the same in any order', () => {
    const [a, b] = [{ thumbprint: 'aa' }, { thumbprint: 'bb', visibility: ['task', 'starttask'] }];
    const metadata = ['a', 'b'].map((name) => ({ name, value: '1' }));
    const one = { ...POOL, certificates: [a, b], metadata };
    const other = { ...POOL, certificates: [{ ...b, visibility: ['starttask', 'task'] }, a] };
    expect(diff(one, { ...other, metadata: metadata.toReversed() }).changes).toBe(false);
  });
  it('names what is wrong with rollNodes', async () => {
    const { failures } = await pool.check(
      {},
      { ...POOL, rollNodes: { atOnce: 0, nodeRebootOption: 'Later', pace: 1 } },
    );
    expect(failures.map(({ property }) => property)).toEqual([
      'rollNodes',
      'rollNodes',
      'rollNodes',
    ]);
    expect(failures.map(({ reason }) => reason).join('\n')).toMatch(
      /nodeRebootOption: must be one of Requeue[^]*atOnce: must be[^]*pace: is unknown/,
    );
  });
});

describe('rollNodes on a real controller', () => {
  let controller: StartedController;
  let ports: Ports;
  const said: string[] = [];
  beforeAll(async () => {
    controller = await startController();
    const { url: endpoint, adminToken } = controller;
    ports = { ...connect({}, { endpoint, adminToken }), say: (line) => said.push(line) };
    await make(account, ACCOUNT, ports);
  });
  afterAll(() => controller.stop());

  const inputs = {
    ...POOL,
    waitFor: 'nodesIdle',
    rollNodes: { nodeRebootOption: 'Terminate' },
    ...start('/bin/true'),
  };
  const nodes = async () => ports.data(ACCOUNT_NAME).pool.nodes(POOL.poolName);
  const ACCOUNT_NAME = { accountName: 'yard', resourceGroupName: 'default' };

  it('reboots each node for a new start task, and none for anything else', async () => {
    const { id, outs } = await make(pool, inputs, ports);
    const boots = async () => (await nodes()).map((node) => String(node.lastBootTime));
    const first = await boots();
    const renamed = { ...inputs, metadata: [{ name: 'a', value: 'b' }] };
    const same = await pool.update(id, outs, renamed, ports);
    expect(await boots()).toEqual(first);
    await pool.update(id, same, { ...renamed, ...start('/bin/sh -c "exit 0"') }, ports);
    const after = await nodes();
    expect(after.map(({ state }) => state)).toEqual(['idle', 'idle']);
    for (const { lastBootTime } of after) expect(first).not.toContain(lastBootTime);
    for (const { startTaskInfo } of after)
      expect((startTaskInfo as Properties).result).toBe('success');
  });

  it('stops at the first node that fails, and tries again with the next update', async () => {
    const current = await pool.read('', { ...inputs, ...start('/bin/sh -c "exit 0"') }, ports);
    const olds = current?.props ?? {};
    const news = { ...inputs, ...start('/bin/false') };
    const error = await pool.update('', olds, news, ports).then(
      () => undefined,
      (raised: unknown) => raised,
    );
    expect(error).toBeInstanceOf(Incomplete);
    const { message, properties } = error as Incomplete;
    expect(message).toMatch(/^Pool p1 .*node \S+ of pool p1 is starttaskfailed after its reboot/);
    const states = (await nodes()).map(({ state }) => state).sort();
    expect(states).toEqual(['idle', 'starttaskfailed']);
    expect(diff(properties, news).notes?.[0]).toMatch(/its nodes are rebooted/);
  });
});
