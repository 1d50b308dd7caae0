import type { CustomResourceOptions, Input, Output } from '@pulumi/pulumi';
import type { ResourceArgs } from './connection.js';
import { BatchyardResource, owner } from './resource.js';

export interface AccountArgs extends ResourceArgs {
  /** 3 to 24 lower-case letters and digits. A change replaces the account. */
  accountName: Input<string>;
  /** Default `default`. A change replaces the account. */
  resourceGroupName?: Input<string>;
  /** A name of your choice for where the controller is; default `local`. A change replaces the account. */
  location?: Input<string>;
  /** Changed in place. The name `pulumi` is kept for the mark of the owning stack. */
  tags?: Input<Record<string, Input<string>>>;
  /** A key is made new whenever its text here changes to another one, for instance a date. */
  keyRotation?: Input<{
    /** Any text; another one makes the primary key anew. */
    primary?: Input<string>;
    /** Any text; another one makes the secondary key anew. */
    secondary?: Input<string>;
  }>;
  /** Take over an account of this name that is not this stack's; default false. */
  adoptExisting?: Input<boolean>;
}

/**
 * A Batch account: the pools, jobs and certificates below it are apart from other accounts'. Deleting
 * it deletes all that.
 */
export class Account extends BatchyardResource {
  declare readonly accountName: Output<string>;
  declare readonly resourceGroupName: Output<string | undefined>;
  declare readonly location: Output<string | undefined>;
  declare readonly tags: Output<Record<string, string> | undefined>;
  /** Host and port of the data plane, as clients want it. */
  declare readonly accountEndpoint: Output<string>;
  /** `Succeeded` once the account can be used. */
  declare readonly provisioningState: Output<string>;
  /** Base64; secret. Either key signs requests of the data plane. */
  declare readonly primaryKey: Output<string>;
  /** Base64; secret. */
  declare readonly secondaryKey: Output<string>;

  constructor(name: string, args: AccountArgs, options?: CustomResourceOptions) {
    super(
      {
        kind: 'account',
        className: 'Account',
        required: ['accountName'],
        computed: [
          'resourceGroupName',
          'location',
          'tags',
          'accountEndpoint',
          'provisioningState',
          'primaryKey',
          'secondaryKey',
        ],
        secret: ['primaryKey', 'secondaryKey'],
      },
      name,
      args,
      owner(name),
      options,
    );
  }
}
