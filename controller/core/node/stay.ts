import type { Recorder } from '../recorder.js';
import { comeBack } from './connect.js';
import type { Node } from './state.js';
import { isConnected, moveNode } from './transition.js';

/** A node that was leaving and is not destroyed yet goes on as if nothing had been. */
export function stayInPool(recorder: Recorder, node: Node): void {
  if (node.leaving === undefined || node.leaving.drained === true) return;
  delete node.leaving;
  recorder.changed('node', node);
  if (isConnected(node)) comeBack(recorder, node);
  else moveNode(recorder, node, 'unknown');
}
