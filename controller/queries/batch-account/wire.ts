import { formatTime } from '../../../protocol/time.js';
import type { Account } from '../../core/account/state.js';
import { present } from '../wire.js';

const TYPE = 'Microsoft.Batch/batchAccounts';

/** The ARM id of an account. */
const batchAccountId = (account: Account): string =>
  `/subscriptions/${account.subscriptionId}/resourceGroups/${account.resourceGroup}/providers/${TYPE}/${account.name}`;

/**
 * An account in ARM's shape (the contract's section 9.4), never with its keys. `accountEndpoint` is
 * host and port alone. Quotas without a limit are left out.
 */
export const batchAccount = (account: Account, accountEndpoint: string): object => ({
  id: batchAccountId(account),
  name: account.name,
  type: TYPE,
  location: account.location,
  tags: account.tags,
  identity: { type: 'None' },
  properties: present({
    accountEndpoint,
    nodeManagementEndpoint: accountEndpoint,
    provisioningState: 'Succeeded',
    poolAllocationMode: 'BatchService',
    publicNetworkAccess: 'Enabled',
    encryption: { keySource: 'Microsoft.Batch' },
    autoStorage:
      account.autoStorage === undefined
        ? undefined
        : { ...account.autoStorage, lastKeySync: formatTime(account.autoStorage.lastKeySync) },
    dedicatedCoreQuota: account.quotas.dedicatedCores,
    lowPriorityCoreQuota: account.quotas.lowPriorityCores,
    dedicatedCoreQuotaPerVMFamilyEnforced: false,
    poolQuota: account.quotas.pools,
    activeJobAndJobScheduleQuota: account.quotas.activeJobsAndSchedules,
    allowedAuthenticationModes: ['SharedKey', 'TaskAuthenticationToken'],
  }),
});
