import type { RunsKey } from '../../protocol/keys.js';
import type { PastAttempt, PastSubtask } from '../core/task/history.js';
import type { Reader } from '../engine/reader.js';
import { affinityId } from './compute-node/wire.js';
import type { ListInput } from './context.js';
import { page } from './paging.js';
import { runStatistics } from './statistics.js';
import { failureOf, present, timeOf, urlOf } from './wire.js';

/** A run that is over, or the latest one, which the task or node itself tells. */
export type Attempt = PastAttempt;

/** A page of runs, the newest last: those that are kept, and after them the latest, which is none of these yet. */
export const pageOfAttempts = (
  reader: Reader,
  input: ListInput,
  runs: RunsKey,
  latest: Attempt | undefined,
) =>
  page(`attempts of ${runs}`, input, async (after, limit) => {
    const known = Number(after ?? 0);
    const found: Attempt[] = [...(await reader.attempts(runs, known, limit))];
    const last = found.at(-1)?.number ?? known;
    if (latest !== undefined && found.length < limit && latest.number > last) found.push(latest);
    return found.map((attempt) => ({ ...attempt, key: `${runs}/${String(attempt.number)}` }));
  });

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
