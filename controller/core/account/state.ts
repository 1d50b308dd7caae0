import type { AccountKey } from '../../../protocol/keys.js';

/** A Batch account. Keys are sealed (encrypted at rest): only `effects/authority` opens them. */
export interface Account {
  readonly key: AccountKey;
  readonly name: string;
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  location: string;
  tags: Record<string, string>;
  sealedKeys: { primary: string; secondary: string };
  creationTime: number;
  lastModified: number;
  version: number;
  /** A storage account that clients linked: kept and shown; files are in the controller's own storage. */
  autoStorage?: {
    storageAccountId: string;
    authenticationMode: 'StorageKeys' | 'BatchAccountManagedIdentity';
    nodeIdentityReference?: { resourceId?: string };
    lastKeySync: number;
  };
  /** Absent: no limit. */
  quotas: {
    dedicatedCores?: number;
    lowPriorityCores?: number;
    pools?: number;
    activeJobsAndSchedules?: number;
  };
}
