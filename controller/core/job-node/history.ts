import { specialRunsKey } from '../../../protocol/keys.js';
import type { Recorder } from '../recorder.js';
import type { AttemptEnd } from '../task/history.js';
import { usageOf, type RunUsage } from '../task/usage.js';
import type { JobNode, SpecialKind, SpecialRun } from './state.js';

/**
 * Writes down a run of a job preparation or release task: when it begins and, in the same place, how it
 * ended. `end` absent: it goes on.
 */
export function rememberRun(
  recorder: Recorder,
  { key, node, nodeId, poolId }: JobNode,
  kind: SpecialKind,
  run: SpecialRun,
  end?: AttemptEnd,
  outcome?: RunUsage,
): void {
  const { attempt, startTime, endTime, exitCode, failureInfo, result } = run;
  const used = usageOf(outcome);
  recorder.remember('attempts', {
    task: specialRunsKey(key, kind),
    number: attempt,
    node,
    nodeId,
    poolId,
    startTime,
    ...(end === undefined
      ? {}
      : {
          end,
          endTime: endTime ?? recorder.now,
          ...(exitCode === undefined ? {} : { exitCode }),
          ...(failureInfo === undefined ? {} : { failureInfo }),
          ...(result === undefined ? {} : { result }),
          ...(used === undefined ? {} : { used }),
        }),
  });
}
