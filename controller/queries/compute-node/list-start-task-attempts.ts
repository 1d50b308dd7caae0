import { BatchError } from '../../../protocol/batch/errors.js';
import { nodeKey, poolKey, startTaskRunsKey } from '../../../protocol/keys.js';
import type { Node } from '../../core/node/state.js';
import { pageOfAttempts, wireAttempt, type Attempt } from '../attempts.js';
import type { ListInput, QueryContext } from '../context.js';
import type { ListReply } from '../paging.js';
import { urlOf } from '../wire.js';

/**
 * ComputeNode_ListStartTaskAttempts: the runs of a node's start task, the newest last; of past ones those
 * of the last seven days, also of nodes and pools that are gone.
 * @throws BatchError NodeNotFound
 */
export async function computeNodeListStartTaskAttempts(
  { reader, baseUrl }: QueryContext,
  input: ListInput & { poolId: string; nodeId: string },
): Promise<ListReply> {
  const key = nodeKey(poolKey(input.account, input.poolId), input.nodeId);
  const node = await reader.get('node', key);
  const runs = startTaskRunsKey(key);
  const latest = node === undefined ? undefined : latestStartTaskRun(node, input.poolId);
  const { rows, ...more } = await pageOfAttempts(reader, input, runs, latest);
  if (node === undefined && rows.length === 0) throw new BatchError('NodeNotFound');
  const { poolId, nodeId } = input;
  const url = urlOf(baseUrl, 'pools', poolId, 'nodes', nodeId, 'starttaskattempts');
  const value = rows.map((row) => wireAttempt(row, baseUrl, `${url}/${String(row.number)}`));
  return { value, ...more };
}

/** The present or last run of the node's start task, once it has begun. */
export function latestStartTaskRun(
  { key, id, incarnation, startTaskInfo: run, startTaskRuns = 1 }: Omit<Node, 'session'>,
  poolId: string,
): Attempt | undefined {
  if (run === undefined) return undefined;
  const { startTime, endTime, exitCode, failureInfo, result, used, retryCount } = run;
  return {
    task: startTaskRunsKey(key),
    number: startTaskRuns,
    node: key,
    nodeId: id,
    poolId,
    startTime,
    ...(endTime === undefined ? {} : { end: run.state === 'running' ? 'retried' : 'completed' }),
    ...(endTime === undefined ? {} : { endTime }),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(failureInfo === undefined ? {} : { failureInfo }),
    ...(result === undefined ? {} : { result }),
    ...(used === undefined ? {} : { used }),
    incarnation: run.incarnation ?? incarnation,
    retryCount,
  };
}
