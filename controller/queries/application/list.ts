import { LIMITS } from '../../../protocol/batch/limits.js';
import type { ListInput, QueryContext } from '../context.js';
import type { ListReply } from '../paging.js';
import { rowPage } from '../rows.js';
import { applicationSummary } from './wire.js';

/** Application_List */
export async function applicationList(
  { reader }: QueryContext,
  input: ListInput,
): Promise<ListReply> {
  const listing = { name: 'applications', scope: input.account, filter: undefined };
  const { rows, ...more } = await rowPage(reader, 'application', listing, input);
  const limit = LIMITS.packagesPerApplication;
  const value: object[] = [];
  for (const application of rows) {
    const packages = await reader.list('applicationPackage', { scope: application.key, limit });
    value.push(applicationSummary(application, packages));
  }
  return { value, ...more };
}
