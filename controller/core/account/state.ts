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
  /** Absent: no limit. */
  quotas: {
    dedicatedCores?: number;
    lowPriorityCores?: number;
    pools?: number;
    activeJobsAndSchedules?: number;
  };
}
