import { computeNodeDisableScheduling } from '../../commands/compute-node/disable-scheduling.js';
import { computeNodeEnableScheduling } from '../../commands/compute-node/enable-scheduling.js';
import { computeNodeReboot } from '../../commands/compute-node/reboot.js';
import { computeNodeReimage } from '../../commands/compute-node/reimage.js';
import { computeNodeGet } from '../../queries/compute-node/get.js';
import { computeNodeList } from '../../queries/compute-node/list.js';
import type { Call } from '../call.js';
import { commandInput, idsOf, queryContext } from './call-input.js';
import { listInput, readInput } from './list-query.js';
import { sendChanged, sendJson, sendList } from './reply.js';
import type { Handlers, IdsOf } from './router.js';

const input = <Body>(call: Call<Body>) => commandInput(call, 'poolId', 'nodeId');

/** Nodes have no ETag: their actions answer with DataServiceId alone. */
export const computeNodeHandlers: Handlers<IdsOf<'ComputeNode'>> = {
  async ComputeNode_List(call) {
    const listed = { ...listInput(call), ...idsOf(call, 'poolId') };
    sendList(call, 'nodes', await computeNodeList(queryContext(call), listed));
  },
  async ComputeNode_Get(call) {
    const read = { ...readInput(call), ...idsOf(call, 'poolId', 'nodeId') };
    const found = await computeNodeGet(queryContext(call), read);
    sendJson(call, 'nodes/@Element', found.body);
  },
  async ComputeNode_Reboot(call) {
    await call.ports.submit(computeNodeReboot(input(call)));
    sendChanged(call);
  },
  async ComputeNode_Reimage(call) {
    await call.ports.submit(computeNodeReimage(input(call)));
    sendChanged(call);
  },
  async ComputeNode_DisableScheduling(call) {
    await call.ports.submit(computeNodeDisableScheduling(input(call)));
    sendChanged(call);
  },
  async ComputeNode_EnableScheduling(call) {
    await call.ports.submit(computeNodeEnableScheduling(input(call)));
    sendChanged(call);
  },
};
