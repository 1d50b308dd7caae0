import type { AssignedApplicationPackage } from '../../../protocol/agent/assignment.js';
import type { AccountKey } from '../../../protocol/keys.js';
import type { StateView } from '../../engine/ports.js';
import type { OwnStorage } from './own-storage.js';

type References = readonly { applicationId: string; version?: string }[] | undefined;

/** What references mean at this moment, with URLs that the node can read; or why they mean nothing. */
export const assignedPackages = (
  view: StateView,
  account: AccountKey,
  references: References,
  storage: OwnStorage,
): AssignedApplicationPackage[] =>
  (references ?? []).map((reference) => {
    const resolved = view.applicationPackage(account, reference);
    if ('problem' in resolved) return { ...reference, problem: resolved.problem };
    const { application, applicationPackage, content } = resolved;
    const version = applicationPackage.versionName;
    return {
      applicationId: application.id,
      version,
      url: storage.applicationPackage(content.blob),
      md5: content.md5,
      isDefault: reference.version === undefined || application.defaultVersion === version,
    };
  });
