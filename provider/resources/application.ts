import type { CustomResourceOptions, Input, Output } from '@pulumi/pulumi';
import type { ChildArgs } from './connection.js';
import { BatchyardResource } from './resource.js';

export interface ApplicationArgs extends ChildArgs {
  /** 1 to 64 letters, digits, hyphens, underscores. A change replaces the application. */
  applicationName: Input<string>;
  /** Changed in place. */
  displayName?: Input<string>;
  /** Whether packages may be replaced and deleted; default true. Changed in place. */
  allowUpdates?: Input<boolean>;
  /** Take over an application of this name that has other values; default false. */
  adoptExisting?: Input<boolean>;
}

/** A name under which packages of files stand, version by version. Its default version is set by a package's `isDefault`. */
export class Application extends BatchyardResource {
  declare readonly accountName: Output<string>;
  declare readonly applicationName: Output<string>;

  constructor(name: string, args: ApplicationArgs, options?: CustomResourceOptions) {
    super(
      {
        kind: 'application',
        className: 'Application',
        required: ['accountName', 'applicationName'],
        computed: [],
        secret: [],
      },
      name,
      args,
      {},
      options,
    );
  }
}
