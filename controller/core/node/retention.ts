import type { Recorder } from '../recorder.js';
import type { Node } from './state.js';

/** Goes or restarts with `retaineddata`, and data of tasks that ended is still kept on it. */
export const keepsData = (node: Node): boolean =>
  node.session.retains === true &&
  (node.leaving?.drained === true ? undefined : (node.leaving ?? node.draining))?.option ===
    'retaineddata';

/** A task with a retention time ended: its directory stays until the agent says otherwise. */
export function dataStays(node: Node): void {
  node.session.retains = true;
}

/** Heartbeats say how many directories are kept; what they do not say, nothing waits for. */
export function heardOfRetention(recorder: Recorder, node: Node, directories: number): void {
  const retains = directories > 0;
  if (retains === node.session.retains) return;
  node.session.retains = retains;
  recorder.state.toSettle.nodes.add(node.key);
}
