import type { PastAttempt, PastSubtask } from '../core/task/history.js';
import { affinityId } from './compute-node/wire.js';
import { runStatistics } from './statistics.js';
import { failureOf, present, timeOf, urlOf } from './wire.js';

/** A run that is over, or the latest one, which the task or node itself tells. */
export type Attempt = PastAttempt;

/** One run on the wire; its logs are below `url`. */
export function wireAttempt(attempt: Attempt, baseUrl: string, url: string): object {
  const { number, end, retryCount, used, subtasks } = attempt;
  return present({
    attempt: number,
    state: end === undefined ? 'running' : 'completed',
    end,
    ...runOf(attempt, attempt.poolId, baseUrl),
    retryCount,
    statistics: runStatistics(used),
    logs: logsOf(url),
    subtasks: subtasks?.map((one) => ({
      id: one.id,
      ...runOf(one, attempt.poolId, baseUrl),
      logs: logsOf(`${url}/subtasks/${String(one.id)}`),
    })),
  });
}

function runOf(run: Attempt | PastSubtask, poolId: string, baseUrl: string) {
  const { nodeId, startTime, endTime, exitCode, failureInfo, result } = run;
  return present({
    nodeInfo: {
      affinityId: affinityId(nodeId),
      nodeUrl: urlOf(baseUrl, 'pools', poolId, 'nodes', nodeId),
      poolId,
      nodeId,
    },
    startTime: timeOf(startTime),
    endTime: timeOf(endTime),
    exitCode,
    failureInfo: failureOf(failureInfo),
    result,
  });
}

const logsOf = (url: string) =>
  ['stdout.txt', 'stderr.txt'].map((name) => ({ name, url: `${url}/files/${name}` }));
