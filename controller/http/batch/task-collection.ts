import { BatchError } from '../../../protocol/batch/errors.js';
import { TaskAdd } from '../../../protocol/batch/task.js';
import { validate } from '../../../protocol/batch/validation.js';
import { formatTime } from '../../../protocol/time.js';
import { taskAddCollection } from '../../commands/task/add-collection.js';
import type { Call } from '../call.js';
import { errorBody } from '../middleware/errors.js';
import { sealSecrets } from '../seal-secrets.js';
import { idOf } from './call-input.js';
import { sendJson } from './reply.js';

/** The id of an item that may be anything. */
function idOfItem(item: unknown): string {
  const id: unknown =
    typeof item === 'object' && item !== null && 'id' in item ? item.id : undefined;
  return typeof id === 'string' ? id.slice(0, 256) : '';
}

/**
 * Task_AddCollection: one result a task. A task that its schema refuses is a clienterror of its own
 * and keeps none of the others back; what concerns the job refuses the whole call.
 */
export async function addTaskCollection(call: Call<{ value: unknown[] }>): Promise<void> {
  const jobId = idOf(call, 'jobId');
  const checked = call.body.value.map((item) => checkItem(call, item));
  const tasks = checked.filter((item): item is TaskAdd => !(item instanceof BatchError));
  const command = taskAddCollection({ account: call.account, jobId, body: { value: tasks } });
  const added = await call.ports.submit(command);
  const refused = (taskId: string, error: BatchError) => ({
    status: error.status >= 500 ? 'servererror' : 'clienterror',
    taskId,
    error: errorBody(error, call.context.state.requestId, call.ports.clock.now(), call.baseUrl),
  });
  let next = 0;
  const value = checked.map((item, at) => {
    if (item instanceof BatchError) return refused(idOfItem(call.body.value[at]), item);
    const result = added[next++];
    if (result === undefined)
      return refused(item.id, new BatchError('AddTaskCollectionTerminated'));
    if (result.status === 'clienterror') return refused(result.taskId, result.error);
    return {
      status: 'Success',
      taskId: result.taskId,
      eTag: result.etag,
      lastModified: formatTime(result.lastModified),
      location: `${call.baseUrl}/jobs/${jobId}/tasks/${result.taskId}`,
    };
  });
  sendJson(call, 'taskaddresult', { value });
}

function checkItem(call: Call<unknown>, item: unknown): TaskAdd | BatchError {
  try {
    return sealSecrets(call.ports.keys, validate(TaskAdd, item));
  } catch (thrown) {
    if (thrown instanceof BatchError) return thrown;
    throw thrown;
  }
}
