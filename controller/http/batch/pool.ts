import { poolAdd } from '../../commands/pool/add.js';
import { poolDelete } from '../../commands/pool/delete.js';
import { poolDisableAutoScale } from '../../commands/pool/disable-auto-scale.js';
import { poolEnableAutoScale } from '../../commands/pool/enable-auto-scale.js';
import { poolEvaluateAutoScale } from '../../commands/pool/evaluate-auto-scale.js';
import { poolPatch } from '../../commands/pool/patch.js';
import { poolRemoveNodes } from '../../commands/pool/remove-nodes.js';
import { poolUpgradeOS } from '../../commands/pool/upgrade-os.js';
import { poolResize } from '../../commands/pool/resize.js';
import { poolStopResize } from '../../commands/pool/stop-resize.js';
import { poolUpgradeImage } from '../../commands/pool/upgrade-image.js';
import { poolUpdateProperties } from '../../commands/pool/update-properties.js';
import { poolGetAllLifetimeStatistics } from '../../queries/pool/get-all-lifetime-statistics.js';
import { poolListUsageMetrics } from '../../queries/pool/list-usage-metrics.js';
import { poolGet } from '../../queries/pool/get.js';
import { poolList } from '../../queries/pool/list.js';
import { autoScaleRun } from '../../queries/pool/wire.js';
import { commandInput, idOf, queryContext } from './call-input.js';
import { explainPool } from './explain.js';
import { listInput, readInput, readTimeParameter } from './list-query.js';
import {
  sendAdded,
  sendChanged,
  sendEntity,
  sendExists,
  sendJson,
  sendList,
  sendNothing,
} from './reply.js';
import type { Handlers, IdsOf } from './router.js';

export const poolHandlers: Handlers<IdsOf<'Pool'>> = {
  async Pool_Add(call) {
    const reply = await call.ports.submit(poolAdd(commandInput(call)));
    sendAdded(call, `/pools/${reply.id}`, reply);
  },
  async Pool_List(call) {
    sendList(call, 'pools', await poolList(queryContext(call), listInput(call)));
  },
  Pool_Explain: explainPool,
  async Pool_Get(call) {
    const input = { ...readInput(call), poolId: idOf(call, 'poolId') };
    sendEntity(call, 'pools', await poolGet(queryContext(call), input));
  },
  async Pool_Exists(call) {
    const input = { account: call.account, poolId: idOf(call, 'poolId') };
    sendExists(call, await poolGet(queryContext(call), input));
  },
  async Pool_Patch(call) {
    sendChanged(call, await call.ports.submit(poolPatch(commandInput(call, 'poolId'))));
  },
  async Pool_UpdateProperties(call) {
    sendChanged(call, await call.ports.submit(poolUpdateProperties(commandInput(call, 'poolId'))));
  },
  async Pool_Delete(call) {
    await call.ports.submit(poolDelete(commandInput(call, 'poolId')));
    sendNothing(call);
  },
  async Pool_UpgradeOS(call) {
    sendChanged(call, await call.ports.submit(poolUpgradeOS(commandInput(call, 'poolId'))));
  },
  async Pool_UpgradeImage(call) {
    sendChanged(call, await call.ports.submit(poolUpgradeImage(commandInput(call, 'poolId'))));
  },
  async Pool_Resize(call) {
    sendChanged(call, await call.ports.submit(poolResize(commandInput(call, 'poolId'))));
  },
  async Pool_StopResize(call) {
    sendChanged(call, await call.ports.submit(poolStopResize(commandInput(call, 'poolId'))));
  },
  async Pool_EnableAutoScale(call) {
    sendChanged(call, await call.ports.submit(poolEnableAutoScale(commandInput(call, 'poolId'))));
  },
  async Pool_DisableAutoScale(call) {
    sendChanged(call, await call.ports.submit(poolDisableAutoScale(commandInput(call, 'poolId'))));
  },
  async Pool_EvaluateAutoScale(call) {
    const run = await call.ports.submit(poolEvaluateAutoScale(commandInput(call, 'poolId')));
    sendJson(call, 'Microsoft.Azure.Batch.Protocol.Entities.AutoScaleRun', autoScaleRun(run));
  },
  async Pool_ListUsageMetrics(call) {
    const startTime = readTimeParameter(call, 'starttime');
    const endTime = readTimeParameter(call, 'endtime');
    const asked = {
      ...listInput(call),
      ...(startTime === undefined ? {} : { startTime }),
      ...(endTime === undefined ? {} : { endTime }),
    };
    sendList(call, 'poolusagemetrics', await poolListUsageMetrics(queryContext(call), asked));
  },
  async Pool_GetAllLifetimeStatistics(call) {
    const found = await poolGetAllLifetimeStatistics(queryContext(call), call);
    sendJson(call, 'poolstats/@Element', found);
  },
  async Pool_RemoveNodes(call) {
    sendChanged(call, await call.ports.submit(poolRemoveNodes(commandInput(call, 'poolId'))));
  },
};
