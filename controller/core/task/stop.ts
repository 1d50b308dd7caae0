import type { Recorder } from '../recorder.js';
import { must } from '../recorder.js';
import { hauntSubtasks } from './hold.js';
import type { GroupEnd, Task } from './state.js';

/**
 * Asks the task's agent to end the attempt, and remembers what then becomes of the task. Asking again
 * changes nothing, but `terminate` outweighs `requeue`.
 */
export function stopAttempt(
  recorder: Recorder,
  task: Task,
  then: 'requeue' | 'terminate',
  because?: GroupEnd,
): void {
  must(
    task.phase !== undefined && task.node !== undefined,
    () => `${task.key} has no attempt to stop`,
  );
  if (task.stopping !== undefined) {
    if (then === 'requeue' || task.stopping.then === 'terminate') return;
    task.stopping.then = then;
    recorder.changed('task', task);
    return;
  }
  task.stopping = {
    then,
    since: recorder.now,
    ...(because === undefined ? {} : { because }),
  };
  hauntSubtasks(recorder, task);
  recorder.changed('task', task);
  const node = recorder.state.nodes.get(task.node);
  // No agent has heard of it yet: it ends when its node is settled, in this tick.
  if (task.phase === 'preparing') recorder.state.toSettle.nodes.add(task.node);
  else if (node !== undefined) recorder.stop(node, { taskKey: task.key, attempt: task.attempt });
}
