import { stopRun } from '../job-node/run.js';
import { runUnderWay } from '../job-node/state.js';
import type { NodeDeallocationOption } from '../pool/state.js';
import type { Recorder } from '../recorder.js';
import { relist } from '../task/hold.js';
import { stopAttempt } from '../task/stop.js';
import type { Node } from './state.js';
import { moveNode } from './transition.js';

/** Deals with a node's tasks before it goes or restarts; those that have not begun go back at once. */
export function dealWithTasks(
  recorder: Recorder,
  node: Node,
  option: NodeDeallocationOption,
): void {
  const { state } = recorder;
  for (const subtask of [...state.loadOf(node).subtasks]) {
    const task = state.tasks.get(subtask.task);
    if (task === undefined || subtask.phase === undefined) continue;
    if (subtask.phase === 'assigned' || option === 'requeue')
      stopAttempt(recorder, task, 'requeue');
    else if (option === 'terminate') stopAttempt(recorder, task, 'terminate');
  }
  for (const task of [...state.loadOf(node).attempts.keys()]) {
    if (task.phase !== 'running' || option === 'requeue') stopAttempt(recorder, task, 'requeue');
    else if (option === 'terminate') stopAttempt(recorder, task, 'terminate');
  }
  const isForced = option === 'requeue' || option === 'terminate';
  for (const jobNode of state.loadOf(node).special)
    if (isForced || runUnderWay(jobNode)?.kind === 'preparation') stopRun(recorder, jobNode);
}

/** The node takes no more tasks and goes once those it has are dealt with. */
export function leavePool(recorder: Recorder, node: Node, option: NodeDeallocationOption): void {
  if (node.leaving?.drained === true) return;
  node.leaving = { option, since: node.leaving?.since ?? recorder.now };
  delete node.draining;
  delete node.preempting;
  recorder.changed('node', node);
  moveNode(recorder, node, 'leavingpool');
  relist(recorder.state, node);
  dealWithTasks(recorder, node, option);
  recorder.state.toSettle.nodes.add(node.key);
}

/** The same for a restart or disabled scheduling. */
export function drain(
  recorder: Recorder,
  node: Node,
  option: NodeDeallocationOption,
  then: 'reboot' | 'reimage' | 'offline',
): void {
  node.draining = { option, since: recorder.now, then };
  recorder.changed('node', node);
  if (then !== 'offline') moveNode(recorder, node, then === 'reboot' ? 'rebooting' : 'reimaging');
  relist(recorder.state, node);
  dealWithTasks(recorder, node, option);
  recorder.state.toSettle.nodes.add(node.key);
}
