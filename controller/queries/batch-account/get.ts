import { BatchError } from '../../../protocol/batch/errors.js';
import { accountKey } from '../../../protocol/keys.js';
import type { QueryContext } from '../context.js';
import { batchAccount } from './wire.js';

/**
 * BatchAccount get of the management plane. An account is found by name in its own subscription and
 * resource group only, where these are given. @throws BatchError AccountNotFound
 */
export async function batchAccountGet(
  context: QueryContext,
  input: { account: string; subscriptionId?: string; resourceGroup?: string },
): Promise<{ body: object }> {
  const account = await context.reader.get('account', accountKey(input.account));
  const elsewhere = (given: string | undefined, own: string) =>
    given !== undefined && given.toLowerCase() !== own.toLowerCase();
  if (
    account === undefined ||
    elsewhere(input.subscriptionId, account.subscriptionId) ||
    elsewhere(input.resourceGroup, account.resourceGroup)
  )
    throw new BatchError('AccountNotFound');
  return { body: batchAccount(account, new URL(context.baseUrl).host) };
}
