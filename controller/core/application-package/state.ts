import type { AccountKey, ApplicationKey, ApplicationPackageKey } from '../../../protocol/keys.js';

/**
 * pending  waits for its file and its activation
 * active   usable by pools and tasks
 */
type ApplicationPackageState = 'pending' | 'active';

/** One version of an application: a zip file in the controller's own storage. */
export interface ApplicationPackage {
  readonly key: ApplicationPackageKey;
  readonly account: AccountKey;
  readonly application: ApplicationKey;
  readonly versionName: string;
  state: ApplicationPackageState;
  /** The blob that clients upload to; a new one each time the version is made anew. */
  upload: string;
  /**
   * What the last activation found: nodes get this, also while a replacement waits for its own
   * activation. `md5` is base64: nodes refuse a file that was changed afterwards.
   */
  content?: { blob: string; md5: string; bytes: number };
  format?: 'zip';
  lastActivationTime?: number;
  creationTime: number;
  lastModified: number;
  version: number;
}
