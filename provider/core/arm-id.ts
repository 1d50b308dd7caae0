import type { AccountName } from './ports.js';

/** The one subscription that a controller knows. */
export const SUBSCRIPTION = '00000000-0000-0000-0000-000000000000';

/** The resource's id: everything that reading it needs, in the form of Azure's resource manager. */
export function armId(account: AccountName, ...below: string[]): string {
  const { accountName, resourceGroupName } = account;
  return [
    '',
    `subscriptions/${SUBSCRIPTION}`,
    `resourceGroups/${resourceGroupName}`,
    `providers/Microsoft.Batch/batchAccounts/${accountName}`,
    ...below,
  ].join('/');
}
