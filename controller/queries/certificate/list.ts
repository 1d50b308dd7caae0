import type { ListInput, QueryContext } from '../context.js';
import { listFilter } from '../filterable.js';
import type { ListReply } from '../paging.js';
import { rowPage } from '../rows.js';
import { parseSelect } from '../select.js';
import { CERTIFICATE_PROPERTIES, certificateBody } from './wire.js';

/** Certificate_List */
export async function certificateList(context: QueryContext, input: ListInput): Promise<ListReply> {
  const select = parseSelect(input.select, CERTIFICATE_PROPERTIES);
  const filter = listFilter('certificates', input.account, input.filter);
  const listing = { name: 'certificates', scope: input.account, filter };
  const { rows, ...more } = await rowPage(context.reader, 'certificate', listing, input);
  return { value: rows.map((row) => select(certificateBody(row, context.baseUrl))), ...more };
}
