import type { AccountKey, ApplicationKey } from '../../../protocol/keys.js';

/** A named program of an account; its versions are application packages. */
export interface Application {
  readonly key: ApplicationKey;
  readonly account: AccountKey;
  readonly id: string;
  displayName?: string;
  /** False: its packages are neither replaced nor deleted. */
  allowUpdates: boolean;
  /** The version of references that name none. */
  defaultVersion?: string;
  creationTime: number;
  lastModified: number;
  version: number;
}
