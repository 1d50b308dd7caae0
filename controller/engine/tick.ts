import { BatchError } from '../../protocol/batch/errors.js';
import { apply } from '../core/apply.js';
import type { Event } from '../core/event.js';
import { InvariantBroken, type Changes, type Recorder } from '../core/recorder.js';
import { markDue, settle } from '../core/settle.js';
import type { Outbox } from './outbox.js';
import type { Command } from './command.js';

/** A command with the promise of whoever submitted it. */
export interface Submission {
  command: Command<unknown>;
  resolve: (reply: unknown) => void;
  reject: (error: unknown) => void;
}
export type Input = Submission | Event;

/**
 * One tick: every input in its order, then due deadlines, then what follows from all of it (settling,
 * one scheduling pass a marked pool). Nothing here waits. Replies go to the outbox and leave after the
 * commit; a refused command must not have changed anything.
 */
export function runTick(recorder: Recorder, inputs: readonly Input[], outbox: Outbox): Changes {
  for (const input of inputs) {
    if ('command' in input) runCommand(recorder, input, outbox);
    else apply(recorder, input);
  }
  markDue(recorder);
  settle(recorder);
  return recorder.take();
}

function runCommand(
  recorder: Recorder,
  { command, resolve, reject }: Submission,
  outbox: Outbox,
): void {
  const before = recorder.changes.count;
  try {
    const reply = command.run(recorder);
    outbox.add(() => resolve(reply));
  } catch (error) {
    if (!(error instanceof BatchError)) throw error;
    if (recorder.changes.count !== before)
      throw new InvariantBroken(`${command.name} changed the state and then refused`, {
        cause: error,
      });
    outbox.add(() => reject(error));
  }
}
