import { connect } from '../../provider/dynamic/connect.js';
import type { Ports } from '../../provider/core/ports.js';
import type { Kind } from '../../provider/core/kind.js';
import type { Properties } from '../../provider/core/json.js';
import type { FakeBatch } from '../support/fake-batch.js';

/** The real clients on the fake, with waits that take no time and progress that is kept. */
export function portsOn(fake: FakeBatch, said: string[] = []): Ports {
  let now = Date.now();
  return {
    ...connect({}, { endpoint: fake.url, adminToken: fake.adminToken }),
    say: (line) => said.push(line),
    sleep: (ms) => {
      now += ms;
      return Promise.resolve();
    },
    now: () => now,
  };
}

/** Checks and creates; answers with the outputs. */
export async function make(
  kind: Kind,
  inputs: Properties,
  ports: Ports,
): Promise<{ id: string; outs: Properties }> {
  const { inputs: checked, failures } = await kind.check({}, inputs);
  if (failures.length > 0) throw new Error(JSON.stringify(failures));
  return kind.create(checked, ports);
}

export const ACCOUNT = { accountName: 'yard' };
export const POOL = {
  ...ACCOUNT,
  poolName: 'p1',
  vmSize: 'Standard_A1_v2',
  deploymentConfiguration: {
    virtualMachineConfiguration: {
      imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local' },
      nodeAgentSkuId: 'batch.node.process',
    },
  },
  scaleSettings: {
    fixedScale: { targetDedicatedNodes: 2, nodeDeallocationOption: 'TaskCompletion' },
  },
  owner: 'project/stack/pool',
};
export const fixed = (targetDedicatedNodes: number) => ({
  scaleSettings: { fixedScale: { targetDedicatedNodes, nodeDeallocationOption: 'TaskCompletion' } },
});
/** What Pulumi's SDK puts in the place of a value that is not known yet. */
export const UNKNOWN = '04da6b54-80e4-46f7-96ec-b56ff0331ba9';
