import { computeNodeGet } from '../../queries/compute-node/get.js';
import { computeNodeList } from '../../queries/compute-node/list.js';
import { idsOf, queryContext } from './call-input.js';
import { listInput, readInput } from './list-query.js';
import { sendJson, sendList } from './reply.js';
import type { Handlers, IdsOf } from './router.js';

export const computeNodeHandlers: Handlers<IdsOf<'ComputeNode'>> = {
  async ComputeNode_List(call) {
    const input = { ...listInput(call), ...idsOf(call, 'poolId') };
    sendList(call, 'nodes', await computeNodeList(queryContext(call), input));
  },
  async ComputeNode_Get(call) {
    const input = { ...readInput(call), ...idsOf(call, 'poolId', 'nodeId') };
    const found = await computeNodeGet(queryContext(call), input);
    sendJson(call, 'nodes/@Element', found.body);
  },
};
