import { BatchError } from '../../../protocol/batch/errors.js';
import type { Node } from '../../core/node/state.js';

/** Idle and running nodes may restart, and those that a restart may heal (section 3.6). */
export function checkRestartable(node: Node): void {
  switch (node.state) {
    case 'idle':
    case 'running':
    case 'offline':
    case 'unusable':
    case 'starttaskfailed':
      return;
    case 'creating':
      throw new BatchError('NodeBeingCreated');
    case 'starting':
    case 'waitingforstarttask':
      throw new BatchError('NodeBeingStarted');
    case 'rebooting':
      throw new BatchError('NodeBeingRebooted');
    case 'reimaging':
      throw new BatchError('NodeBeingReimaged');
    case 'leavingpool':
    case 'unknown':
    case 'preempted':
      throw new BatchError('NodeNotReady');
  }
}
