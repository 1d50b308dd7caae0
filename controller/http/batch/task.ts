import { taskAdd } from '../../commands/task/add.js';
import { taskDelete } from '../../commands/task/delete.js';
import { taskReactivate } from '../../commands/task/reactivate.js';
import { taskTerminate } from '../../commands/task/terminate.js';
import { taskUpdate } from '../../commands/task/update.js';
import { taskGet } from '../../queries/task/get.js';
import { taskList } from '../../queries/task/list.js';
import { taskListAttempts } from '../../queries/task/list-attempts.js';
import { taskListSubtasks } from '../../queries/task/list-subtasks.js';
import { sendAttemptLog, sendSubtaskAttemptLog } from './attempt-log.js';
import { commandInput, idOf, queryContext } from './call-input.js';
import { explainTask } from './explain.js';
import { followTask } from './follow.js';
import { listInput, readInput } from './list-query.js';
import { sendAdded, sendChanged, sendEntity, sendJson, sendList, sendNothing } from './reply.js';
import type { Handlers, IdsOf } from './router.js';
import { addTaskCollection } from './task-collection.js';
import { addTaskFactory } from './task-factory.js';

export const taskHandlers: Handlers<IdsOf<'Task'>> = {
  async Task_Add(call) {
    const reply = await call.ports.submit(taskAdd(commandInput(call, 'jobId')));
    sendAdded(call, `/jobs/${idOf(call, 'jobId')}/tasks/${reply.id}`, reply);
  },
  Task_AddCollection: addTaskCollection,
  async Task_List(call) {
    const input = { ...listInput(call), jobId: idOf(call, 'jobId') };
    sendList(call, 'tasks', await taskList(queryContext(call), input));
  },
  Task_AddFactory: addTaskFactory,
  Task_Explain: explainTask,
  async Task_Get(call) {
    const ids = { jobId: idOf(call, 'jobId'), taskId: idOf(call, 'taskId') };
    sendEntity(call, 'tasks', await taskGet(queryContext(call), { ...readInput(call), ...ids }));
  },
  async Task_Update(call) {
    sendChanged(call, await call.ports.submit(taskUpdate(commandInput(call, 'jobId', 'taskId'))));
  },
  async Task_Delete(call) {
    await call.ports.submit(taskDelete(commandInput(call, 'jobId', 'taskId')));
    sendNothing(call);
  },
  async Task_Terminate(call) {
    const input = commandInput(call, 'jobId', 'taskId');
    sendChanged(call, await call.ports.submit(taskTerminate(input)));
  },
  async Task_Reactivate(call) {
    const input = commandInput(call, 'jobId', 'taskId');
    sendChanged(call, await call.ports.submit(taskReactivate(input)));
  },
  async Task_ListAttempts(call) {
    const ids = { jobId: idOf(call, 'jobId'), taskId: idOf(call, 'taskId') };
    const input = { ...listInput(call), ...ids };
    sendList(call, 'attempts', await taskListAttempts(queryContext(call), input));
  },
  Task_GetAttemptLog: sendAttemptLog,
  Task_GetSubtaskAttemptLog: sendSubtaskAttemptLog,
  Task_Follow: followTask,
  async Task_ListSubtasks(call) {
    const ids = { jobId: idOf(call, 'jobId'), taskId: idOf(call, 'taskId') };
    const page = await taskListSubtasks(queryContext(call), { ...readInput(call), ...ids });
    sendJson(call, 'subtasks', { value: page.value });
  },
};
