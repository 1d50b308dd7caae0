/** What entities of answers are made of: kinds of values, states with their history, results of runs, statistics. */
import * as z from 'zod';
import { anyCase } from './common.js';

export const text = z.string();
export const url = z.url();
export const time = z.iso.datetime();
const duration = z.iso.duration();
export const count = z.int32().min(0);
/** 64-bit numbers travel as text. */
export const int64 = z.string().regex(/^-?\d+$/);
export const optional = <Shape extends z.ZodRawShape>(shape: Shape) => z.object(shape).partial();
export const error = optional({
  code: text,
  message: text,
  values: z.array(z.object({ name: text, value: text })),
});

/** What every entity of a list has; all optional, because `$select` may leave any of them out. */
export const identity = { url, eTag: text, lastModified: time, creationTime: time };
export const transitions = (states: readonly [string, ...string[]]) => ({
  state: z.enum(states),
  stateTransitionTime: time,
});
export const history = (states: readonly [string, ...string[]]) => ({
  ...transitions(states),
  previousState: z.enum(states),
  previousStateTransitionTime: time,
});

export const failure = optional({
  category: anyCase(['usererror', 'servererror']),
  code: text,
  message: text,
  details: z.array(z.object({ name: text, value: text })),
});
export const run = {
  startTime: time,
  endTime: time,
  exitCode: z.int32(),
  containerInfo: optional({ containerId: text, state: text, error: text }),
  failureInfo: failure,
  result: z.enum(['success', 'failure']),
};
export const retries = { retryCount: count, lastRetryTime: time };
export const TaskExecutionInformation = optional({
  ...run,
  ...retries,
  requeueCount: count,
  lastRequeueTime: time,
});

export const usage = {
  url,
  startTime: time,
  lastUpdateTime: time,
  userCPUTime: duration,
  kernelCPUTime: duration,
  wallClockTime: duration,
  waitTime: duration,
};
export const JobStatistics = optional({
  ...usage,
  numSucceededTasks: int64,
  numFailedTasks: int64,
  numTaskRetries: int64,
});
export const PoolStatistics = optional({
  url,
  startTime: time,
  lastUpdateTime: time,
  usageStats: optional({ startTime: time, lastUpdateTime: time, dedicatedCoreTime: duration }),
});

export const AutoScaleRun = optional({ timestamp: time, results: text, error });
