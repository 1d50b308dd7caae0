import type { AccountKey } from '../../../protocol/keys.js';
import type { Usage } from '../task/usage.js';

/** A node that was, for the intervals of usage metrics. */
export interface PastNode {
  poolId: string;
  vmSize: string;
  vcpus: number;
  from: number;
  to: number;
}

/** What tasks of jobs used that are gone. */
export interface PastJobs {
  jobs: Usage;
  succeeded: number;
  failed: number;
}

export interface Past extends PastJobs {
  dedicatedCoreMs: number;
  /** The latest only. */
  nodes: PastNode[];
}

/** A Batch account. Keys are sealed (encrypted at rest): only `effects/authority` opens them. */
/** What an account may have at once; absent: no limit. */
export interface Quotas {
  dedicatedCores?: number;
  lowPriorityCores?: number;
  pools?: number;
  activeJobsAndSchedules?: number;
}

export interface Account {
  /** What no longer stands in a row: nodes, and jobs, that are gone. For statistics. */
  past?: Past;
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
  quotas: Quotas;
}
