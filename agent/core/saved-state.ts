import type { Assignment } from '../../protocol/agent/assignment.js';
import type { SequencedEvent } from '../../protocol/agent/event.js';
import type { StartTaskState } from './start-task.js';

/** What one process of the agent leaves to the next. */
export interface SavedState {
  /** The number of the newest event. */
  sequence: number;
  events: SequencedEvent[];
  startTask: { state: StartTaskState; retryCount: number };
  /** Tries whose processes live, or ended while nobody was there; without what their ends need. */
  running: { assignment: Assignment; startedEpoch: number }[];
  /** `until` by the monotonic clock. */
  lease?: { until: number; leaseMs: number };
}
