import type { Application } from '../../core/application/state.js';
import type { ApplicationPackage } from '../../core/application-package/state.js';
import { present } from '../wire.js';

/** ApplicationSummary: only versions that pools and tasks can use. */
export const applicationSummary = (
  application: Application,
  packages: readonly ApplicationPackage[],
): object =>
  present({
    id: application.id,
    displayName: application.displayName,
    versions: packages
      .filter(({ content }) => content !== undefined)
      .map(({ versionName }) => versionName),
  });
