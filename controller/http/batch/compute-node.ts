import { computeNodeDisableScheduling } from '../../commands/compute-node/disable-scheduling.js';
import { computeNodeEnableScheduling } from '../../commands/compute-node/enable-scheduling.js';
import { computeNodeReboot } from '../../commands/compute-node/reboot.js';
import { computeNodeReimage } from '../../commands/compute-node/reimage.js';
import {
  computeNodeExtensionGet,
  computeNodeExtensionList,
} from '../../queries/compute-node/extensions.js';
import { computeNodeGetRemoteDesktop } from '../../queries/compute-node/get-remote-desktop.js';
import { computeNodeGetRemoteLoginSettings } from '../../queries/compute-node/get-remote-login-settings.js';
import { computeNodeGet } from '../../queries/compute-node/get.js';
import { computeNodeList } from '../../queries/compute-node/list.js';
import { computeNodeListStartTaskAttempts } from '../../queries/compute-node/list-start-task-attempts.js';
import type { Call } from '../call.js';
import { sendStartTaskAttemptLog } from './attempt-log.js';
import { commandInput, idOf, idsOf, queryContext } from './call-input.js';
import { sendConsoleLog } from './console-log.js';
import { explainNode } from './explain.js';
import { listInput, readInput } from './list-query.js';
import { addNodeUser, deleteNodeUser, updateNodeUser } from './node-users.js';
import { sendAdded, sendChanged, sendJson, sendList, sendNothing } from './reply.js';
import type { Handlers, IdsOf } from './router.js';
import { uploadBatchServiceLogs } from './upload-logs.js';

const node = (call: Call) => ({ account: call.account, ...idsOf(call, 'poolId', 'nodeId') });
const input = <Body>(call: Call<Body>) => commandInput(call, 'poolId', 'nodeId');

/** Nodes have no ETag: their actions answer with DataServiceId alone. */
export const computeNodeHandlers: Handlers<IdsOf<'ComputeNode'>> = {
  async ComputeNode_List(call) {
    const listed = { ...listInput(call), ...idsOf(call, 'poolId') };
    sendList(call, 'nodes', await computeNodeList(queryContext(call), listed));
  },
  ComputeNode_Explain: explainNode,
  ComputeNode_GetConsoleLog: sendConsoleLog,
  async ComputeNode_Get(call) {
    const read = { ...readInput(call), ...idsOf(call, 'poolId', 'nodeId') };
    const found = await computeNodeGet(queryContext(call), read);
    sendJson(call, 'nodes/@Element', found.body);
  },
  async ComputeNode_ListStartTaskAttempts(call) {
    const listed = { ...listInput(call), ...idsOf(call, 'poolId', 'nodeId') };
    const attempts = await computeNodeListStartTaskAttempts(queryContext(call), listed);
    sendList(call, 'attempts', attempts);
  },
  ComputeNode_GetStartTaskAttemptLog: sendStartTaskAttemptLog,
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
  async ComputeNode_AddUser(call) {
    await addNodeUser(call);
    sendAdded(call, `${call.context.path}/${encodeURIComponent(call.body.name)}`);
  },
  async ComputeNode_UpdateUser(call) {
    await updateNodeUser(call);
    sendChanged(call);
  },
  async ComputeNode_DeleteUser(call) {
    await deleteNodeUser(call);
    sendNothing(call);
  },
  async ComputeNode_GetRemoteLoginSettings(call) {
    const found = await computeNodeGetRemoteLoginSettings(queryContext(call), node(call));
    sendJson(call, 'Microsoft.Azure.Batch.Protocol.Entities.ComputeNodeRemoteLoginSettings', found);
  },
  async ComputeNode_GetRemoteDesktop(call) {
    call.context.body = await computeNodeGetRemoteDesktop(queryContext(call), node(call));
    call.context.set('content-type', 'application/octet-stream');
    call.context.set('DataServiceVersion', '3.0');
  },
  ComputeNode_UploadBatchServiceLogs: uploadBatchServiceLogs,
};

/** Extensions are Azure's: nodes here have none. */
export const computeNodeExtensionHandlers: Handlers<IdsOf<'ComputeNodeExtension'>> = {
  async ComputeNodeExtension_List(call) {
    const listed = { ...listInput(call), ...node(call) };
    sendList(call, 'extensions', await computeNodeExtensionList(queryContext(call), listed));
  },
  async ComputeNodeExtension_Get(call) {
    const named = { ...readInput(call), ...node(call), extensionName: idOf(call, 'extensionName') };
    await computeNodeExtensionGet(queryContext(call), named);
  },
};
