import { BatchError } from '../../../protocol/batch/errors.js';
import type { GetInput, ListInput, QueryContext } from '../context.js';
import { afterOf } from '../paging.js';
import type { ListReply } from '../paging.js';
import { parseSelect } from '../select.js';
import { readNode, type NodeInput } from './read.js';

/** Properties of NodeVMExtension (the contract's section 4.10), for `$select`. */
const EXTENSION_PROPERTIES = ['provisioningState', 'vmExtension', 'instanceView'];

/** ComputeNodeExtension_List: nodes have none. @throws BatchError PoolNotFound, NodeNotFound */
export async function computeNodeExtensionList(
  context: QueryContext,
  input: ListInput & NodeInput,
): Promise<ListReply> {
  parseSelect(input.select, EXTENSION_PROPERTIES);
  await readNode(context, input);
  afterOf('extensions', input.skiptoken);
  return { value: [] };
}

/** ComputeNodeExtension_Get. @throws BatchError PoolNotFound, NodeNotFound, VMExtensionNotFound */
export async function computeNodeExtensionGet(
  context: QueryContext,
  input: GetInput & NodeInput & { extensionName: string },
): Promise<never> {
  parseSelect(input.select, EXTENSION_PROPERTIES);
  await readNode(context, input);
  throw new BatchError('VMExtensionNotFound', [
    { key: 'ExtensionName', value: input.extensionName.slice(0, 256) },
  ]);
}
