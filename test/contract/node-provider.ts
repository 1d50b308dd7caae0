import { afterAll, beforeAll, expect, it } from 'vitest';
import type { NodeProvider, NodeSpecification } from '../../controller/effects/nodes/provider.js';
import { accountKey, nodeKey, poolKey } from '../../protocol/keys.js';

const POOL = poolKey(accountKey('contract'), 'pool');

export function specification(id: string, incarnation = 1): NodeSpecification {
  return {
    nodeKey: nodeKey(POOL, id),
    nodeId: id,
    poolId: 'pool',
    account: 'contract',
    incarnation,
    // Nobody listens there: an agent that can't call home keeps trying, which is all that is needed here.
    seed: { controllerUrl: 'http://127.0.0.1:9', token: 'token' },
    vmSize: { name: 'batchyard_tiny', vcpus: 1, memoryMiB: 384, diskGiB: 4 },
    image: { publisher: 'batchyard', offer: 'process', sku: 'local', version: 'latest' },
    disk: 'new',
  };
}

/** What every node provider keeps: the reconciler relies on nothing else. */
export function nodeProviderContract(
  open: () => Promise<NodeProvider>,
  close: () => Promise<void>,
): void {
  let provider: NodeProvider;
  beforeAll(async () => {
    provider = await open();
  });
  afterAll(close);
  const listed = async (id: string) =>
    (await provider.list()).nodes.find((node) => node.nodeKey === nodeKey(POOL, id));

  it('lists nothing before anything is made', async () => {
    expect((await provider.list()).nodes).toEqual([]);
  });

  it('lists a node that it has made, with its incarnation', async () => {
    await provider.create(specification('one'));
    expect(await listed('one')).toMatchObject({ incarnation: 1, state: 'running' });
  });

  it('makes a node once, however often it is asked', async () => {
    await Promise.all([
      provider.create(specification('one')),
      provider.create(specification('one')),
    ]);
    expect((await provider.list()).nodes).toHaveLength(1);
  });

  it('puts a new incarnation in the place of the old one', async () => {
    await provider.create({ ...specification('one', 2), disk: 'keep' });
    expect((await provider.list()).nodes).toHaveLength(1);
    expect(await listed('one')).toMatchObject({ incarnation: 2, state: 'running' });
  });

  it('tells of a node whose disk is kept as stopped', async () => {
    await provider.destroy(nodeKey(POOL, 'one'), 'keep');
    expect(await listed('one')).toMatchObject({ state: 'stopped' });
  });

  it('starts a node again on the disk that was kept', async () => {
    await provider.create({ ...specification('one', 3), disk: 'keep' });
    expect(await listed('one')).toMatchObject({ incarnation: 3, state: 'running' });
  });

  it('leaves nothing of a node that is destroyed, and destroys it again without complaint', async () => {
    await provider.destroy(nodeKey(POOL, 'one'), 'remove');
    await provider.destroy(nodeKey(POOL, 'one'), 'remove');
    expect((await provider.list()).nodes).toEqual([]);
  });

  it('finds the nodes of a provider that ended without a word', async () => {
    await provider.create(specification('two'));
    const successor = await open();
    expect((await successor.list()).nodes).toMatchObject([{ incarnation: 1, state: 'running' }]);
    await successor.destroy(nodeKey(POOL, 'two'), 'remove');
    expect((await provider.list()).nodes).toEqual([]);
    await successor.close();
  });
}
