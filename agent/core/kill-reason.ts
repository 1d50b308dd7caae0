import { RAN_TOO_LONG, type Outcome } from '../../protocol/agent/event.js';
import type { KillReason } from './attempts.js';
import type { RunOutcome } from './output.js';

/** The outcome of a try, named by why it was told to die. */
export function withReason(run: RunOutcome, killed: KillReason | undefined): Outcome {
  if (killed === 'stopped') return { ...run, stopped: true };
  if (killed === 'wallClock') {
    const { fileUpload: _named, ...rest } = run;
    return {
      ...rest,
      failure: {
        category: 'usererror',
        code: 'TaskEnded',
        message: RAN_TOO_LONG,
        details: [],
      },
    };
  }
  return run;
}
