import { afterAll, beforeAll, expect, test } from 'vitest';
import { accountListPoolNodeCounts } from '../../controller/queries/account/list-pool-node-counts.js';
import { accountListSupportedImages } from '../../controller/queries/account/list-supported-images.js';
import { batchAccountGet } from '../../controller/queries/batch-account/get.js';
import { batchAccountList } from '../../controller/queries/batch-account/list.js';
import { certificateGet } from '../../controller/queries/certificate/get.js';
import { certificateList } from '../../controller/queries/certificate/list.js';
import { SqliteStore } from '../../controller/store/sqlite/store.js';
import { tempDirectory } from '../support/temp-dir.js';
import { ACCOUNT, account, certificate, emptyBatch, IMAGE, node, pool } from './store-rows.js';

const folder = tempDirectory('queries');
const BASE = 'http://acme.local:8480';
const ISO = '2026-01-02T03:04:05.678Z';

let store: SqliteStore;
const context = () => ({ reader: store, baseUrl: BASE });
const acme = { account: ACCOUNT };

beforeAll(async () => {
  store = await SqliteStore.open(folder.path);
  await store.commit({
    ...emptyBatch(),
    upserts: {
      account: [account(), account('other')],
      certificate: [certificate()],
      pool: [pool('Pool1'), pool('pool0'), pool('pool2')],
      node: [
        node('Pool1', 'Node-A'),
        node('Pool1', 'node-b', { isDedicated: false, state: 'starttaskfailed' }),
      ],
    },
  });
});
afterAll(async () => {
  await store.close();
  folder.remove();
});

test('a certificate is told without its private part', async () => {
  const input = { ...acme, thumbprintAlgorithm: 'SHA1', thumbprint: 'ab'.repeat(20) };
  const { body: shown } = await certificateGet(context(), input);
  expect(shown).toEqual({
    thumbprint: 'ab'.repeat(20),
    thumbprintAlgorithm: 'sha1',
    url: `${BASE}/certificates(thumbprintAlgorithm=sha1,thumbprint=${'ab'.repeat(20)})`,
    state: 'active',
    stateTransitionTime: ISO,
    publicData: 'cHVibGlj',
  });
  const list = await certificateList(context(), { ...acme, filter: "state eq 'active'" });
  expect(list.value).toEqual([shown]);
});

test('node counts tell every pool and both kinds, zeros included', async () => {
  const { value } = await accountListPoolNodeCounts(context(), acme);
  expect(value).toHaveLength(3);
  expect(value[1]).toMatchObject({
    poolId: 'Pool1',
    dedicated: { idle: 1, running: 0, startTaskFailed: 0, total: 1 },
    lowPriority: { idle: 0, startTaskFailed: 1, waitingForStartTask: 0, total: 1 },
  });
  const one = await accountListPoolNodeCounts(context(), { ...acme, filter: "poolId eq 'POOL2'" });
  expect(one.value).toMatchObject([{ poolId: 'pool2', dedicated: { total: 0 } }]);
});

test('supported images are filtered and paged', async () => {
  const image = (sku: string, osType: 'linux' | 'windows') =>
    ({
      ...IMAGE,
      sku,
      osType,
      nodeAgentSkuId: 'sku',
      verificationType: 'verified',
      nodeProvider: 'process',
    }) as const;
  const images = [image('b', 'linux'), image('a', 'linux'), image('c', 'windows')];
  const offer = { settings: { images } };
  const input = { ...acme, filter: "osType eq 'Linux'", maxresults: 1 };
  const first = await accountListSupportedImages(offer, input);
  expect(first.value).toMatchObject([{ nodeAgentSKUId: 'sku', imageReference: { sku: 'a' } }]);
  const second = await accountListSupportedImages(offer, { ...input, skiptoken: first.next ?? '' });
  expect(second.value).toMatchObject([{ imageReference: { sku: 'b' }, osType: 'linux' }]);
  expect(second).not.toHaveProperty('next');
});

test('a Batch account is told in the shape of ARM, in its own subscription and group, without keys', async () => {
  const { subscriptionId } = account();
  const input = { account: 'ACME', subscriptionId, resourceGroup: 'Default' };
  const { body: shown } = await batchAccountGet(context(), input);
  expect(shown).toMatchObject({
    id: `/subscriptions/${subscriptionId}/resourceGroups/default/providers/Microsoft.Batch/batchAccounts/acme`,
    properties: {
      accountEndpoint: 'acme.local:8480',
      provisioningState: 'Succeeded',
      poolQuota: 100,
    },
  });
  expect(JSON.stringify(shown)).not.toContain('sealed');
  await expect(
    batchAccountGet(context(), { ...input, resourceGroup: 'else' }),
  ).rejects.toMatchObject({ code: 'AccountNotFound' });
  const list = await batchAccountList(context(), { subscriptionId, maxresults: 1 });
  const rest = await batchAccountList(context(), { subscriptionId, skiptoken: list.next ?? '' });
  expect([...list.value, ...rest.value]).toMatchObject([{ name: 'acme' }, { name: 'other' }]);
});
