import { wireReason, type Reason } from '../../../protocol/batch/explain.js';
import { jobKey, taskKey } from '../../../protocol/keys.js';
import { computeNodeExplain } from '../../commands/compute-node/explain.js';
import { poolExplain } from '../../commands/pool/explain.js';
import { taskExplain } from '../../commands/task/explain.js';
import type { Call } from '../call.js';
import { commandInput, idOf } from './call-input.js';
import { sendJson } from './reply.js';

function send(call: Call, found: { id: string; state: string; reasons: readonly Reason[] }): void {
  const { id, state, reasons } = found;
  sendJson(call, 'explanation/@Element', { id, state, reasons: reasons.map(wireReason) });
}

/** Task_Explain. Of ids that memory does not know rows tell whether there are such tasks. */
export async function explainTask(call: Call): Promise<void> {
  const found = await call.ports.submit(taskExplain(commandInput(call, 'jobId', 'taskId')));
  const job = jobKey(call.account, idOf(call, 'jobId'));
  const ended: string[] = [];
  const missing: string[] = [];
  for (const id of found.unknown) {
    const row = await call.ports.reader.get('task', taskKey(job, id));
    (row === undefined ? missing : ended).push(row?.id ?? id);
  }
  send(call, { ...found, reasons: [...dependencies(ended, missing), ...found.reasons] });
}

function dependencies(ended: readonly string[], missing: readonly string[]): Reason[] {
  const reasons: Reason[] = [];
  if (ended.length > 0)
    reasons.push({ code: 'DependencyBlocked', values: { tasks: ended.join(', ') } });
  if (missing.length > 0)
    reasons.push({ code: 'DependencyUnknown', values: { tasks: missing.join(', ') } });
  return reasons;
}

/** Pool_Explain. */
export async function explainPool(call: Call): Promise<void> {
  send(call, await call.ports.submit(poolExplain(commandInput(call, 'poolId'))));
}

/** ComputeNode_Explain. */
export async function explainNode(call: Call): Promise<void> {
  send(call, await call.ports.submit(computeNodeExplain(commandInput(call, 'poolId', 'nodeId'))));
}
