import type { CustomResourceOptions, Input, Output } from '@pulumi/pulumi';
import type { ResourceArgs } from './connection.js';
import { BatchyardResource } from './resource.js';

export interface ImageArgs extends ResourceArgs {
  /** 1 to 80 letters, digits, dashes, dots and underscores. A change replaces the image. */
  imageName: Input<string>;
  /** As the account's; default `local`. A change replaces the image. */
  location?: Input<string>;
  /**
   * A disk in qcow2: `file:///…` on the controller's machine, or an http or https address; secret, since it may be
   * signed. Changed in place: another source is imported, and nodes have it once they are reimaged.
   */
  source: Input<string>;
  /** Hex SHA-256 that the file must have; default: it is not compared. Changed in place. */
  sha256?: Input<string>;
  /** With `offer` and `sku`: pools may name the image by the three. Changed in place. */
  publisher?: Input<string>;
  /** Together with `publisher` and `sku`. Changed in place. */
  offer?: Input<string>;
  /** Together with `publisher` and `offer`. Changed in place. */
  sku?: Input<string>;
  /** Default `1.0.0`; pools that ask for `latest` get the highest. Changed in place. */
  version?: Input<string>;
  /** The node agent that fits it, such as `batch.node.debian 12`. Changed in place. */
  nodeAgentSkuId: Input<string>;
  /** Default `linux`. Changed in place. */
  osType?: Input<'linux' | 'windows'>;
  /** Default `unverified`. Changed in place. */
  verificationType?: Input<'verified' | 'unverified'>;
  /** Take over an image of this name that has other values; default false. */
  adoptExisting?: Input<boolean>;
}

/**
 * An image for VM nodes, imported by the controller and offered to pools of all accounts. Its `id` is what a
 * pool's `imageReference.id` takes. It can't be deleted while a pool is made from it.
 */
export class Image extends BatchyardResource {
  declare readonly imageName: Output<string>;
  /** `Succeeded` once pools may use it. */
  declare readonly provisioningState: Output<string>;
  /** Hex SHA-256 of what was imported. */
  declare readonly contentSha256: Output<string>;
  /** Bytes of the imported file. */
  declare readonly sizeBytes: Output<number>;
  /** ISO 8601. */
  declare readonly creationTime: Output<string>;

  constructor(name: string, args: ImageArgs, options?: CustomResourceOptions) {
    super(
      {
        kind: 'image',
        className: 'Image',
        required: ['imageName', 'source', 'nodeAgentSkuId'],
        computed: ['provisioningState', 'contentSha256', 'sizeBytes', 'creationTime'],
        secret: ['source'],
      },
      name,
      args,
      {},
      options,
    );
  }
}
