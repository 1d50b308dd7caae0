import { idsOf } from './call-input.js';
import type { Call } from '../call.js';
import { deleteFile, listFiles, sendFile, sendProperties } from './node-file.js';
import type { Handlers, IdsOf } from './router.js';
import { nodeView } from './node-view.js';
import { taskView } from './task-view.js';

const ofTask = (call: Call) => taskView(call, idsOf(call, 'jobId', 'taskId'));
const ofNode = (call: Call) => nodeView(call, idsOf(call, 'poolId', 'nodeId'));

/** Every operation is the same for both views: the task's directory and the node's root. */
export const fileHandlers: Handlers<IdsOf<'File'>> = {
  File_ListFromTask: async (call) => listFiles(call, await ofTask(call)),
  File_GetFromTask: async (call) => sendFile(call, await ofTask(call)),
  File_GetPropertiesFromTask: async (call) => sendProperties(call, await ofTask(call)),
  File_DeleteFromTask: async (call) => deleteFile(call, await ofTask(call)),
  File_ListFromComputeNode: async (call) => listFiles(call, ofNode(call)),
  File_GetFromComputeNode: async (call) => sendFile(call, ofNode(call)),
  File_GetPropertiesFromComputeNode: async (call) => sendProperties(call, ofNode(call)),
  File_DeleteFromComputeNode: async (call) => deleteFile(call, ofNode(call)),
};
