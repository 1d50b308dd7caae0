import type { Assignment, NodeConfiguration } from '../../protocol/agent/assignment.js';
import type { Outcome, SequencedEvent } from '../../protocol/agent/event.js';
import type { AttemptRef, ToController } from '../../protocol/agent/message.js';
import type { AgentRequest } from '../../protocol/agent/request.js';

/** One instant by two clocks, both in milliseconds: leases count by `monotonic`, reports carry `epoch`. */
export interface Moment {
  monotonic: number;
  epoch: number;
}

/** A reference to one try as text: the key of every table of tries. */
export const attemptId = (reference: AttemptRef) => `${reference.taskKey}#${reference.attempt}`;

/** What the core asks of the world. Each is an order, never an answer; answers come back as inputs. */
export type Output =
  | { type: 'send'; message: ToController }
  /** These events have their numbers: to be written down before anything that is sent after this. */
  | { type: 'recordEvents'; events: SequencedEvent[] }
  /** The controller is silent: close the link and dial again. */
  | { type: 'dropLink' }
  /** Directories and certificates; answered by `prepared` or `unusable`. */
  | { type: 'prepareNode'; configuration: NodeConfiguration }
  /** Answered by `startTaskEnded`. */
  | { type: 'runStartTask'; configuration: NodeConfiguration; retryCount: number }
  /** Answered by `attemptEnded`; before it, by `attemptCoordinated` where it is one part of several. */
  | { type: 'startAttempt'; assignment: Assignment; configuration: NodeConfiguration }
  /** What a try that an earlier process of this agent began needs to go on, or for its end. */
  | {
      type: 'completeAttempt';
      assignment: Assignment;
      configuration: NodeConfiguration | undefined;
    }
  /** All processes of the try; still answered by `attemptEnded`. After `graceMs` the kill is final. */
  | {
      type: 'killAttempt';
      attempt: AttemptRef;
      graceMs: number;
      /** Its time is over, not its right to be here: output files are uploaded still. */
      keepsOutput: boolean;
    }
  /** The primary of a multi-instance task runs its command line now; once is enough. */
  | { type: 'proceedAttempt'; attempt: AttemptRef }
  | { type: 'answerRequest'; id: string; request: AgentRequest }
  | { type: 'removeDirectories'; directories: string[] }
  /** The directory may go this long after `epoch`. */
  | { type: 'retainDirectory'; directory: string; untilEpoch: number };

/** What a run of a process (or a failure before or after it) came to, before the core adds why it was killed. */
export type RunOutcome = Omit<Outcome, 'stopped'>;
