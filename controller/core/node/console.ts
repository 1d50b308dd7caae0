import type { Event } from '../event.js';
import type { Recorder } from '../recorder.js';
import type { Node } from './state.js';

/** Azure's code for a node that could not be brought to the point where it takes tasks. */
export const NOT_PREPARED = 'NodePreparationError';

const CONSOLE = 'Console';

/** What the guest wrote on its console is kept beyond the node's life: it may say why. */
export function keepConsole(recorder: Recorder, { key, incarnation }: Node): void {
  recorder.ask({ type: 'keepConsole', nodeKey: key, incarnation });
}

/** The last lines go with the error that they may explain. */
export function consoleKept(
  recorder: Recorder,
  node: Node,
  { lastLines }: Extract<Event, { type: 'consoleKept' }>,
): void {
  if (lastLines === '' || !node.errors.some(({ code }) => code === NOT_PREPARED)) return;
  node.errors = node.errors.map((error) =>
    error.code === NOT_PREPARED
      ? {
          ...error,
          errorDetails: [
            ...error.errorDetails.filter(({ name }) => name !== CONSOLE),
            { name: CONSOLE, value: lastLines },
          ],
        }
      : error,
  );
  recorder.changed('node', node);
}

/** Its VM is gone before its agent has said a word; told until another boot of it has. */
export function endedInBoot(recorder: Recorder, node: Node): void {
  const message =
    'The VM ended before the agent in it reported, and is started again, after a longer pause each time; ' +
    'ComputeNode_GetConsoleLog tells what its guest wrote. Repair the image, or remove the node';
  node.errors = [
    ...node.errors.filter(({ code }) => code !== NOT_PREPARED),
    { code: NOT_PREPARED, message, errorDetails: [] },
  ];
  recorder.changed('node', node);
}
