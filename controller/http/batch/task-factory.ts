import { BatchError, invalidPropertyValue } from '../../../protocol/batch/errors.js';
import { LIMITS } from '../../../protocol/batch/limits.js';
import type { TaskFactoryAdd } from '../../../protocol/batch/task-factory.js';
import { taskAddFactory } from '../../commands/task/add-factory.js';
import { taskUnfold } from '../../commands/task/unfold.js';
import { jobKey, taskKey } from '../../../protocol/keys.js';
import type { Call } from '../call.js';
import { commandInput } from './call-input.js';
import { sendJson } from './reply.js';

/** Task_AddFactory; files are listed now, once, so that all tasks are accepted or none. */
export async function addTaskFactory(call: Call<TaskFactoryAdd>): Promise<void> {
  const { filesOf } = call.body;
  const files = filesOf === undefined ? undefined : await filesIn(call, filesOf);
  const input = { ...commandInput(call, 'jobId'), ...(files === undefined ? {} : { files }) };
  sendJson(call, 'taskfactories/@Element', await call.ports.submit(taskAddFactory(input)));
}

async function filesIn(
  call: Call,
  { autoStorageContainerName: container, blobPrefix }: NonNullable<TaskFactoryAdd['filesOf']>,
): Promise<Record<string, string>[]> {
  const names = await call.ports.files?.(call.account, container, blobPrefix, LIMITS.factoryTasks);
  if (names === undefined)
    throw invalidPropertyValue(
      'autoStorageContainerName',
      container,
      "the account's storage has no such container",
    );
  if (names.length === 0)
    throw invalidPropertyValue(
      'filesOf',
      container,
      `it has no files that begin with "${blobPrefix}"`,
    );
  return names.map((filePath) => {
    const fileName = filePath.slice(filePath.lastIndexOf('/') + 1);
    const dot = fileName.lastIndexOf('.');
    const path = filePath.split('/').map(encodeURIComponent).join('/');
    return {
      filePath,
      fileName,
      fileNameWithoutExtension: dot > 0 ? fileName.slice(0, dot) : fileName,
      url: `${call.baseUrl}/storage/${call.account}/${encodeURIComponent(container)}/${path}`,
    };
  });
}

/**
 * Asks again for a task that was not found, if its factory has accepted it and not made it yet: for
 * clients it is there from the moment in which the factory was added.
 */
export async function withUnmade(call: Call, ask: () => Promise<void>): Promise<void> {
  try {
    await ask();
  } catch (error) {
    if (!(error instanceof BatchError) || error.code !== 'TaskNotFound') throw error;
    const { jobId, taskId } = call.ids;
    if (jobId === undefined || taskId === undefined) throw error;
    const { view } = call.ports;
    const key = jobKey(call.account, jobId);
    // It may have been made since.
    const isMaking = view.jobs.get(key)?.factories !== undefined;
    if (!isMaking && view.task(taskKey(key, taskId)) === undefined) throw error;
    const isMade = await call.ports.submit(taskUnfold({ account: call.account, jobId, taskId }));
    if (!isMade) throw error;
    await ask();
  }
}
