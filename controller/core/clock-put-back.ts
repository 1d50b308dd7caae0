import { durationMs } from '../../protocol/time.js';
import type { Recorder } from './recorder.js';

/**
 * What counts down from a moment that still lies ahead was begun by a clock that was put back while the
 * controller was away: it counts from now. Times that are the clock's own, as those of schedules, stay.
 */
export function countFromNow({ state, now }: Recorder): void {
  const past = (time: number) => Math.min(time, now);
  for (const {
    leaving,
    draining,
    preempting,
    session,
    stateTransitionTime,
  } of state.nodes.values()) {
    if (stateTransitionTime > now) session.countsFrom = now;
    for (const going of [leaving, draining, preempting])
      if (going !== undefined) going.since = past(going.since);
  }
  for (const { resize, autoScale, specification } of state.pools.values()) {
    resize.startTime = past(resize.startTime);
    const interval = specification.autoScaleEvaluationInterval;
    if (autoScale?.evaluateAt !== undefined && interval !== undefined)
      autoScale.evaluateAt = Math.min(autoScale.evaluateAt, now + durationMs(interval));
  }
  for (const job of state.jobs.values()) {
    job.startTime = past(job.startTime);
    job.lastModified = past(job.lastModified);
  }
}
