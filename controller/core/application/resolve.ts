import { applicationKey, applicationPackageKey, type AccountKey } from '../../../protocol/keys.js';
import type { ApplicationKey, ApplicationPackageKey } from '../../../protocol/keys.js';
import type { ApplicationPackage } from '../application-package/state.js';
import type { Application } from './state.js';

export interface ApplicationTables {
  readonly applications: ReadonlyMap<ApplicationKey, Readonly<Application>>;
  readonly applicationPackages: ReadonlyMap<ApplicationPackageKey, Readonly<ApplicationPackage>>;
}

/** As pools and tasks refer to a package: without a version the application's default one is meant. */
export interface ApplicationPackageReference {
  applicationId: string;
  version?: string;
}

type Content = NonNullable<ApplicationPackage['content']>;
export type ResolvedPackage =
  | {
      application: Readonly<Application>;
      applicationPackage: Readonly<ApplicationPackage>;
      content: Readonly<Content>;
    }
  | { problem: string };

/** What a reference means right now, or why it means nothing. */
export function resolvePackage(
  tables: ApplicationTables,
  account: AccountKey,
  reference: ApplicationPackageReference,
): ResolvedPackage {
  const { applicationId } = reference;
  const application = tables.applications.get(applicationKey(account, applicationId));
  if (application === undefined)
    return { problem: `The application ${applicationId} does not exist` };
  const version = reference.version ?? application.defaultVersion;
  if (version === undefined)
    return {
      problem: `The reference to the application ${application.id} names no version, and the application has no default version`,
    };
  const key = applicationPackageKey(application.key, version);
  const applicationPackage = tables.applicationPackages.get(key);
  if (applicationPackage === undefined)
    return { problem: `The application ${application.id} has no version ${version}` };
  if (applicationPackage.content === undefined)
    return {
      problem: `The version ${version} of the application ${application.id} is not activated`,
    };
  return { application, applicationPackage, content: applicationPackage.content };
}
