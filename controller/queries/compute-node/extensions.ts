import { BatchError } from '../../../protocol/batch/errors.js';
import type { QueryContext } from '../context.js';
import type { ListReply } from '../paging.js';
import { readNode, type NodeInput } from './read.js';

/** ComputeNodeExtension_List: nodes have none. @throws BatchError PoolNotFound, NodeNotFound */
export async function computeNodeExtensionList(
  context: QueryContext,
  input: NodeInput,
): Promise<ListReply> {
  await readNode(context, input);
  return { value: [] };
}

/** ComputeNodeExtension_Get. @throws BatchError PoolNotFound, NodeNotFound, VMExtensionNotFound */
export async function computeNodeExtensionGet(
  context: QueryContext,
  input: NodeInput & { extensionName: string },
): Promise<never> {
  await readNode(context, input);
  throw new BatchError('VMExtensionNotFound', [
    { key: 'ExtensionName', value: input.extensionName.slice(0, 256) },
  ]);
}
