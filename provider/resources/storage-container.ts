import type { CustomResourceOptions, Input, Output } from '@pulumi/pulumi';
import type { ChildArgs } from './connection.js';
import { BatchyardResource } from './resource.js';

export interface StorageContainerArgs extends ChildArgs {
  /** 3 to 63 lower-case letters, digits and single hyphens. A change replaces the container. */
  containerName: Input<string>;
  /**
   * Folder whose files are uploaded, each under its path below the folder; links are left out. Relative
   * to the folder that the program runs in. What counts is the content: a file that changed is uploaded
   * again, one that went is removed, and results that tasks have put there stay.
   */
  source?: Input<string>;
  /** Single files: name of the blob → path on this machine. */
  files?: Input<Record<string, Input<string>>>;
  /** Small texts: name of the blob → content (UTF-8). They are kept in the state. */
  contents?: Input<Record<string, Input<string>>>;
  /** Take over a container of this name that holds other blobs; default false. */
  adoptExisting?: Input<boolean>;
}

/** A container in the controller's own storage, with files for tasks. Deleting it deletes everything in it. */
export class StorageContainer extends BatchyardResource {
  declare readonly accountName: Output<string>;
  declare readonly containerName: Output<string>;
  /**
   * Address of the container, without a signature: name it in resource and output files of tasks, and the
   * controller signs it for the time of the task.
   */
  declare readonly containerUrl: Output<string>;
  /** Names of the blobs that were uploaded, sorted. */
  declare readonly blobNames: Output<string[]>;
  /** SHA-256 (hex) of each uploaded file, by the name of its blob. */
  declare readonly fileDigests: Output<Record<string, string> | undefined>;

  constructor(name: string, args: StorageContainerArgs, options?: CustomResourceOptions) {
    super(
      {
        kind: 'storageContainer',
        className: 'StorageContainer',
        required: ['accountName', 'containerName'],
        computed: ['containerUrl', 'blobNames', 'fileDigests'],
        secret: [],
      },
      name,
      args,
      { workingDirectory: process.cwd() },
      options,
    );
  }
}
