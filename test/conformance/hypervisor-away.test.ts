import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BatchServiceClient } from '@azure/batch';
import { batchClient } from '../support/client.js';
import { PROCESS_POOL, waits } from '../support/process-pool.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';

let controller: StartedController;
let client: BatchServiceClient;
let until: ReturnType<typeof waits>;
beforeAll(async () => {
  const image = { publisher: 'test', offer: 'vm', sku: 'any', nodeAgentSkuId: 'none' };
  controller = await startController({
    configuration: {
      images: [{ ...image, provider: 'libvirt', path: '/nowhere.qcow2' }],
      hypervisors: [
        // Nobody listens there.
        { name: 'off', uri: 'qemu+tcp://127.0.0.1:1/system', diskDirectory: '/tmp' },
        { name: 'wrong', uri: 'nonsense:///system' },
        { name: 'closed', uri: 'test:///default', maintenance: true },
      ],
    },
  });
  client = batchClient(controller);
  until = waits(client);
});
afterAll(() => controller.stop());

describe('a controller whose hypervisors do not answer', () => {
  it('starts, and makes the nodes that need none of them', async () => {
    await client.pool.add({ ...PROCESS_POOL, id: 'processes', targetDedicatedNodes: 1 });
    await until.nodes('processes', 'idle');
  });

  it('says on pools that need them which do not answer, why not, and goes on', async () => {
    await client.pool.add({
      id: 'vms',
      vmSize: 'batchyard_tiny',
      targetDedicatedNodes: 1,
      virtualMachineConfiguration: {
        imageReference: { publisher: 'test', offer: 'vm', sku: 'any' },
        nodeAgentSKUId: 'none',
      },
    });
    const pool = await until.steady('vms');
    expect(pool).toMatchObject({ state: 'active', currentDedicatedNodes: 0 });
    expect(pool.resizeErrors).toMatchObject([{ code: 'AllocationFailed' }]);
    const reason = pool.resizeErrors?.[0]?.values?.[0]?.value ?? '';
    expect(reason).toMatch(/off: libvirt .+; wrong: libvirt .+; closed: /);
    await client.pool.deleteMethod('vms');
    await until.poolGone('vms');
  });
});
