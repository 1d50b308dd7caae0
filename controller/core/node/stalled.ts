import type { Event } from '../event.js';
import type { Recorder } from '../recorder.js';
import type { Node } from './state.js';

const CODE = 'StorageFull';

/** The node says what stands in its way; its lease ends by itself, and with it what its tasks may do. */
export function nodeStalled(
  recorder: Recorder,
  node: Node,
  { message }: Extract<Event, { type: 'nodeStalled' }>,
): void {
  const others = node.errors.filter(({ code }) => code !== CODE);
  node.errors =
    message === undefined ? others : [...others, { code: CODE, message, errorDetails: [] }];
  recorder.changed('node', node);
}
