import { accountListNodeAgentSkus } from '../../queries/account/list-node-agent-skus.js';
import { accountListPoolNodeCounts } from '../../queries/account/list-pool-node-counts.js';
import { accountListSupportedImages } from '../../queries/account/list-supported-images.js';
import { applicationGet } from '../../queries/application/get.js';
import { applicationList } from '../../queries/application/list.js';
import { idOf, queryContext } from './call-input.js';
import { listInput } from './list-query.js';
import { sendJson, sendList } from './reply.js';
import type { Handlers, IdsOf } from './router.js';

export const accountHandlers: Handlers<IdsOf<'Account' | 'Application'>> = {
  async Account_ListSupportedImages(call) {
    const page = await accountListSupportedImages(call.ports, listInput(call));
    sendList(call, 'supportedimages', page);
  },
  async Account_ListNodeAgentSkus(call) {
    const page = await accountListNodeAgentSkus(call.ports, listInput(call));
    sendList(call, 'nodeagentskus', page);
  },
  async Account_ListPoolNodeCounts(call) {
    const page = await accountListPoolNodeCounts(queryContext(call), listInput(call));
    sendList(call, 'poolnodecounts', page);
  },
  async Application_List(call) {
    const page = await applicationList(queryContext(call), listInput(call));
    sendList(call, 'listapplicationsummariesresponses', page);
  },
  async Application_Get(call) {
    const input = { account: call.account, applicationId: idOf(call, 'applicationId') };
    const found = await applicationGet(queryContext(call), input);
    sendJson(call, 'getapplicationsummaryresponse/@Element', found.body);
  },
};
