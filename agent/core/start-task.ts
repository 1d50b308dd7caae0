import type { NodeConfiguration } from '../../protocol/agent/assignment.js';
import type { AgentEvent } from '../../protocol/agent/event.js';
import { START_TASK_RETRY_MAX_MS, START_TASK_RETRY_MS } from './limits.js';
import type { Moment, RunOutcome } from './output.js';

/** `pending` waits for its next run, `running` runs; `succeeded` and `failed` are final. */
export type StartTaskState = 'absent' | 'pending' | 'running' | 'succeeded' | 'failed';

/** The life of the start task in one incarnation: it runs until it succeeds or its retries are used up. */
export class StartTask {
  state: StartTaskState = 'absent';
  #retryCount = 0;
  #runAt = Number.POSITIVE_INFINITY;

  /** To be run as soon as the caller asks `due`. */
  schedule(monotonic: number): void {
    this.state = 'pending';
    this.#runAt = monotonic;
  }

  /** As an earlier process of this agent left it; `running` only while its process lives. */
  restore(state: StartTaskState, retryCount: number): void {
    this.state = state;
    this.#retryCount = retryCount;
  }

  get retryCount(): number {
    return this.#retryCount;
  }

  /** When the next run is due; infinity while none waits. */
  get runAt(): number {
    return this.state === 'pending' ? this.#runAt : Number.POSITIVE_INFINITY;
  }

  /** Begins the run that is due and says so; undefined when none is. */
  begin(now: Moment): { retryCount: number; event: AgentEvent } | undefined {
    if (this.runAt > now.monotonic) return undefined;
    this.state = 'running';
    const retryCount = this.#retryCount;
    return { retryCount, event: { type: 'startTaskStarted', startTime: now.epoch, retryCount } };
  }

  /** Takes the end of a run. A failure before the process is final: only non-zero exits are retried. */
  ended(
    startTask: NonNullable<NodeConfiguration['startTask']>,
    outcome: RunOutcome,
    monotonic: number,
  ): AgentEvent {
    const retryCount = this.#retryCount;
    const succeeded = outcome.exitCode === 0 && outcome.failure === undefined;
    const retriesMax =
      startTask.maxTaskRetryCount < 0 ? Number.POSITIVE_INFINITY : startTask.maxTaskRetryCount;
    const again = !succeeded && outcome.preProcessing !== true && retryCount < retriesMax;
    if (again) {
      const pause = Math.min(
        START_TASK_RETRY_MS * 2 ** Math.min(retryCount, 20),
        START_TASK_RETRY_MAX_MS,
      );
      this.#retryCount += 1;
      this.#runAt = monotonic + pause;
      this.state = 'pending';
    } else {
      this.state = succeeded ? 'succeeded' : 'failed';
    }
    return { type: 'startTaskEnded', retryCount, final: !again, outcome };
  }
}
