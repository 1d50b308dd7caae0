import type { ListInput } from '../context.js';
import type { ListReply } from '../paging.js';

/** Application_List: no account has application packages yet. */
export const applicationList = (_context: object, _input: ListInput): Promise<ListReply> =>
  Promise.resolve({ value: [] });
