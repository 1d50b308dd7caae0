import { LIMITS } from '../../../protocol/batch/limits.js';
import { startTaskRunsKey } from '../../../protocol/keys.js';
import type { Recorder } from '../recorder.js';
import type { Node } from './state.js';

/**
 * Keeps the latest run of the node's start task before the node forgets it: another follows, or the node
 * begins a new life or is gone.
 */
export function rememberStartTask(recorder: Recorder, node: Node): void {
  const { startTaskInfo: run, startTaskRuns: number } = node;
  if (run === undefined || number === undefined) return;
  const { startTime, endTime, exitCode, failureInfo, result, retryCount, used } = run;
  const end = endTime === undefined ? 'lost' : run.state === 'running' ? 'retried' : 'completed';
  recorder.remember('attempts', {
    task: startTaskRunsKey(node.key),
    number,
    node: node.key,
    nodeId: node.id,
    poolId: recorder.state.pools.get(node.pool)?.id ?? '',
    end,
    startTime,
    endTime: Math.max(endTime ?? recorder.now, startTime),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(failureInfo === undefined ? {} : { failureInfo }),
    result: result ?? 'failure',
    ...(used === undefined ? {} : { used }),
    incarnation: run.incarnation ?? node.incarnation,
    retryCount,
    expires: recorder.now + LIMITS.startTaskRunsKeptMs,
  });
}
