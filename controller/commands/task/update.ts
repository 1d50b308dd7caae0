import { BatchError } from '../../../protocol/batch/errors.js';
import type { TaskUpdate } from '../../../protocol/batch/task.js';
import { constraintsOf } from '../../core/task/add.js';
import { jobOfTask } from '../../core/task/transition.js';
import {
  checkConditions,
  entityReply,
  type Command,
  type EntityReply,
} from '../../engine/command.js';
import { findTask, keyOfTask, type Input } from '../find.js';

/** Task_Update: replaces the constraints; a running attempt keeps its wall-clock limit. */
export const taskUpdate = ({
  account,
  jobId,
  taskId,
  conditions,
  body,
}: Input<TaskUpdate> & { jobId: string; taskId: string }): Command<EntityReply> => ({
  name: 'taskUpdate',
  loads: [keyOfTask(account, jobId, taskId)],
  run(transaction) {
    const task = findTask(transaction, account, jobId, taskId);
    checkConditions(conditions, task);
    if (task.state === 'completed') throw new BatchError('TaskCompleted');
    delete task.maxWallClockTimeMs;
    delete task.retentionTimeMs;
    Object.assign(task, constraintsOf(body.constraints, jobOfTask(transaction.state, task.key)));
    transaction.touched('task', task);
    const node = task.node === undefined ? undefined : transaction.state.nodes.get(task.node);
    // How long its files stay is the agent's to know.
    if (task.phase === 'running' && node !== undefined) transaction.assign(node, task, true);
    return entityReply(task);
  },
});
