import type { CustomResourceOptions, Input, Output } from '@pulumi/pulumi';
import type { ChildArgs } from './connection.js';
import { BatchyardResource } from './resource.js';

export interface ApplicationPackageArgs extends ChildArgs {
  /** The application, such as `application.applicationName`. A change replaces the package. */
  applicationName: Input<string>;
  /** 1 to 64 letters, digits, hyphens, underscores and dots, not a dot at first. A change replaces the package. */
  versionName: Input<string>;
  /**
   * Path of a zip file, or of a folder that is made one (links are left out), relative to the folder that the
   * program runs in; at most 256 MiB a file. What counts is the content: another one replaces the package.
   */
  source: Input<string>;
  /** Pools and tasks that name no version get this one; default false. Changed in place. */
  isDefault?: Input<boolean>;
  /** Replace the file of a version that exists already; default false. */
  adoptExisting?: Input<boolean>;
}

/** One version of an application: files that pools and tasks find on their nodes. */
export class ApplicationPackage extends BatchyardResource {
  declare readonly accountName: Output<string>;
  declare readonly applicationName: Output<string>;
  declare readonly versionName: Output<string>;
  /** `Active` once nodes can have it. */
  declare readonly state: Output<string>;
  /** `zip` */
  declare readonly format: Output<string>;
  /** ISO 8601. */
  declare readonly lastActivationTime: Output<string>;

  constructor(name: string, args: ApplicationPackageArgs, options?: CustomResourceOptions) {
    super(
      {
        kind: 'applicationPackage',
        className: 'ApplicationPackage',
        required: ['accountName', 'applicationName', 'versionName', 'source'],
        computed: ['state', 'format', 'lastActivationTime'],
        secret: [],
      },
      name,
      args,
      { workingDirectory: process.cwd() },
      options,
    );
  }
}
