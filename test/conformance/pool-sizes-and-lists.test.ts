import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BatchServiceClient, BatchServiceModels } from '@azure/batch';
import { batchClient } from '../support/client.js';
import { PROCESS_POOL, refusal, statusOf, waits } from '../support/process-pool.js';
import { signedRequest } from '../support/signed-request.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';
import { waitFor } from '../support/wait-for.js';

let controller: StartedController;
let client: BatchServiceClient;
let until: ReturnType<typeof waits>;
beforeAll(async () => {
  controller = await startController();
  client = batchClient(controller);
  until = waits(client);
});
afterAll(() => controller.stop());

const add = (id: string, more: object = {}) => client.pool.add({ ...PROCESS_POOL, id, ...more });

describe('resize', () => {
  it('moves both targets, and changes the ETag', async () => {
    await add('sized');
    const { eTag } = await until.steady('sized');
    const targets = { targetDedicatedNodes: 1, targetLowPriorityNodes: 1 };
    expect(statusOf(await client.pool.resize('sized', targets))).toBe(202);
    const resizing = await client.pool.get('sized');
    expect(resizing).toMatchObject({ ...targets, allocationState: 'resizing' });
    expect(resizing.eTag).not.toBe(eTag);
    await expect(client.pool.resize('sized', targets)).rejects.toMatchObject(
      refusal(409, 'PoolBeingResized'),
    );
    expect(await until.steady('sized')).toMatchObject({
      currentDedicatedNodes: 1,
      currentLowPriorityNodes: 1,
    });
    await until.nodes('sized', 'idle', 2);
    const nodes = await client.computeNode.list('sized');
    expect(nodes.map(({ isDedicated }) => isDedicated).sort()).toEqual([false, true]);
  });

  it('leaves an omitted target as it is', async () => {
    await client.pool.resize('sized', { targetLowPriorityNodes: 0, resizeTimeout: 'PT8M' });
    const pool = await until.steady('sized');
    expect(pool).toMatchObject({
      targetDedicatedNodes: 1,
      targetLowPriorityNodes: 0,
      currentDedicatedNodes: 1,
      resizeTimeout: 'PT8M',
    });
  });

  it('is refused without a target, with a short timeout, and for pools that are not there', async () => {
    const code = async (body: object) => {
      const text = JSON.stringify(body);
      return (await signedRequest(controller, 'POST', '/pools/sized/resize', { body: text }))
        .status;
    };
    expect(await code({})).toBe(400);
    expect(await code({ targetDedicatedNodes: -1 })).toBe(400);
    expect(await code({ targetDedicatedNodes: 1, resizeTimeout: 'PT1M' })).toBe(400);
    expect(await code({ targetDedicatedNodes: 1, nodeDeallocationOption: 'whatever' })).toBe(400);
    await expect(client.pool.resize('none', { targetDedicatedNodes: 1 })).rejects.toMatchObject(
      refusal(404, 'PoolNotFound'),
    );
  });

  it('can be stopped only while it goes on', async () => {
    await until.steady('sized');
    await expect(client.pool.stopResize('sized')).rejects.toMatchObject({ statusCode: 409 });
    await client.pool.resize('sized', { targetDedicatedNodes: 2 });
    const { eTag } = await client.pool.get('sized');
    const stopped = await client.pool.stopResize('sized').catch((error: unknown) => error);
    const pool = await until.steady('sized');
    expect(pool.eTag).toBe(eTag);
    expect(pool.targetDedicatedNodes).toBe(2);
    if (!(stopped instanceof Error))
      expect(pool.resizeErrors?.map(({ code }) => code)).toEqual(['ResizeStopped']);
  });

  it('forgets the errors of the last one', async () => {
    await client.pool.resize('sized', { targetDedicatedNodes: 0 });
    expect((await client.pool.get('sized')).resizeErrors).toBeUndefined();
    expect((await until.steady('sized')).resizeErrors).toBeUndefined();
  });
});

describe('lists of pools', () => {
  const list = async (options: BatchServiceModels.PoolListOptions) =>
    (await client.pool.list({ poolListOptions: options })).map(({ id }) => id);

  it('are ordered by id and filtered by every property of the contract', async () => {
    for (const id of ['f-b', 'f-a', 'f-c'])
      await add(id, { vmSize: id === 'f-c' ? 'small' : 'large' });
    await until.steady('f-c');
    await until.steady('f-a');
    await until.steady('f-b');
    const mine = "startswith(id,'f-')";
    const past = "DateTime'2020-01-01T00:00:00Z'";
    expect(await list({ filter: mine })).toEqual(['f-a', 'f-b', 'f-c']);
    for (const [filter, ids] of [
      [`id eq 'F-A'`, ['f-a']],
      [`${mine} and id ne 'f-a'`, ['f-b', 'f-c']],
      [`${mine} and id gt 'f-a' and id le 'f-b'`, ['f-b']],
      [`${mine} and vmSize eq 'SMALL'`, ['f-c']],
      [`${mine} and startswith(vmSize,'lar')`, ['f-a', 'f-b']],
      [`${mine} and (vmSize eq 'small' or id eq 'f-a')`, ['f-a', 'f-c']],
      [`${mine} and state eq 'active' and allocationState eq 'steady'`, ['f-a', 'f-b', 'f-c']],
      [`${mine} and allocationState ne 'steady'`, []],
      [`${mine} and creationTime gt ${past} and lastModified ge ${past}`, ['f-a', 'f-b', 'f-c']],
      [`${mine} and stateTransitionTime lt ${past}`, []],
      [`${mine} and allocationStateTransitionTime gt ${past}`, ['f-a', 'f-b', 'f-c']],
      [`${mine} and enableAutoScale eq false`, ['f-a', 'f-b', 'f-c']],
      [`${mine} and enableInterNodeCommunication eq true`, []],
    ] as const)
      expect([filter, await list({ filter })]).toEqual([filter, ids]);
    for (const filter of [`nothing eq 'x'`, `id eq`, `id like 'x'`, `currentDedicatedNodes eq 1`])
      await expect(list({ filter }), filter).rejects.toMatchObject(
        refusal(400, 'InvalidQueryParameterValue'),
      );
  });

  it('page with every option kept in the link', async () => {
    const seen: string[] = [];
    let page = await client.pool.list({
      poolListOptions: { maxResults: 2, filter: "startswith(id,'f-')", select: 'id' },
    });
    expect(page).toHaveLength(2);
    seen.push(...page.map(({ id }) => id ?? ''));
    while (page.odatanextLink !== undefined) {
      page = await client.pool.listNext(page.odatanextLink);
      seen.push(...page.map(({ id }) => id ?? ''));
      expect(page[0]?.vmSize).toBeUndefined();
    }
    expect(seen).toEqual(['f-a', 'f-b', 'f-c']);
  });

  it('select only what is asked for', async () => {
    const pool = await client.pool.get('f-a', { poolGetOptions: { select: 'id, state' } });
    expect(pool).toMatchObject({ id: 'f-a', state: 'active' });
    expect(pool.vmSize).toBeUndefined();
    expect(pool.allocationState).toBeUndefined();
  });
});

describe('delete', () => {
  it('makes the pool vanish, after which its id is free', async () => {
    expect(statusOf(await client.pool.deleteMethod('sized'))).toBe(202);
    const again = await client.pool.deleteMethod('sized').catch((error: unknown) => error);
    expect(['PoolBeingDeleted', 'PoolNotFound']).toContain((again as { code: string }).code);
    await until.poolGone('sized');
    await expect(client.pool.get('sized')).rejects.toMatchObject(refusal(404, 'PoolNotFound'));
    await expect(client.pool.deleteMethod('sized')).rejects.toMatchObject(
      refusal(404, 'PoolNotFound'),
    );
    await waitFor('the id to be free', async () =>
      add('sized').then(
        () => true,
        () => false,
      ),
    );
  });
});
