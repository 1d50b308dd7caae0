import { LIMITS } from '../../../protocol/batch/limits.js';
import type { Filter } from '../../engine/reader.js';
import type { QueryContext } from '../context.js';
import type { ListReply, PageInput } from '../paging.js';
import { rowPage } from '../rows.js';
import { batchAccount } from './wire.js';

/** BatchAccount list, of a subscription or of one resource group in it. */
export async function batchAccountList(
  context: QueryContext,
  input: PageInput & { subscriptionId: string; resourceGroup?: string },
): Promise<ListReply> {
  const same = (path: string, value: string): Filter => ({
    type: 'compare',
    field: { kind: 'text', path },
    operator: 'eq',
    value,
  });
  const { subscriptionId, resourceGroup } = input;
  const operands = [
    same('subscriptionId', subscriptionId),
    ...(resourceGroup === undefined ? [] : [same('resourceGroup', resourceGroup)]),
  ];
  const listing = { name: 'batchaccounts', scope: '', filter: { type: 'and', operands } as const };
  const { rows, ...more } = await rowPage(
    context.reader,
    'account',
    listing,
    input,
    LIMITS.pageSize,
  );
  const host = new URL(context.baseUrl).host;
  return { value: rows.map((account) => batchAccount(account, host)), ...more };
}
