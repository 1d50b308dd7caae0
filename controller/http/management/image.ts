import { etagOf } from '../../../protocol/batch/etag.js';
import { validate } from '../../../protocol/batch/validation.js';
import { imageKey } from '../../../protocol/keys.js';
import { IMAGE_NAME, ImageBody } from '../../../protocol/management/image.js';
import { formatTime } from '../../../protocol/time.js';
import { imageDelete } from '../../commands/image/delete.js';
import { imagePut } from '../../commands/image/put.js';
import type { Image } from '../../core/image/state.js';
import type { ImageFiles } from '../ports.js';
import type { ManagementCall, ManagementHandler } from './call.js';
import { nameOf, sendJson, sendNothing } from './call.js';
import { badRequest, resourceNotFound } from './errors.js';
import { sendPage } from './page.js';

/** Images of the controller: an extension (docs/extensions.md). Their id is what pools name them by. */
const TYPE = 'Microsoft.Batch/locations/images';

function importer(call: ManagementCall): ImageFiles {
  if (call.ports.images === undefined) throw new Error('no importer of images');
  return call.ports.images;
}

function imageNameOf(call: ManagementCall): string {
  const name = nameOf(call, 'imageName');
  if (!IMAGE_NAME.test(name))
    throw badRequest(
      'InvalidImageName',
      `The image name ${name.slice(0, 100)} is invalid: allowed are 1 to 80 letters, digits, dashes, dots and underscores, not a dot or a dash at the ends.`,
      'imageName',
    );
  return name;
}

const find = (call: ManagementCall): Readonly<Image> | undefined =>
  call.ports.view.images.get(imageKey(imageNameOf(call)));

const STATES = { importing: 'Creating', ready: 'Succeeded', failed: 'Failed' } as const;

function armImage(call: ManagementCall, image: Readonly<Image>): object {
  const { source, ...properties } = image.properties;
  const location = nameOf(call, 'location');
  const progress = importer(call).progress(image.key);
  const percent =
    progress?.totalBytes === undefined || progress.totalBytes === 0
      ? undefined
      : Math.floor((100 * progress.bytes) / progress.totalBytes);
  return {
    id: `/subscriptions/${nameOf(call, 'subscriptionId')}/providers/Microsoft.Batch/locations/${location}/images/${image.name}`,
    name: image.name,
    type: TYPE,
    etag: `W/"${etagOf(image)}"`,
    properties: {
      ...properties,
      source: importer(call).shown(source),
      provisioningState: STATES[image.state],
      creationTime: formatTime(image.creationTime),
      lastModified: formatTime(image.lastModified),
      ...(image.state === 'importing' && {
        importProgress: {
          ...(progress ?? { bytes: 0 }),
          ...(percent !== undefined && { percent }),
        },
      }),
      ...(image.failure !== undefined && { importError: image.failure }),
      ...(image.content !== undefined && {
        sha256: image.content.sha256,
        sizeBytes: image.content.bytes,
      }),
    },
  };
}

function send(call: ManagementCall, image: Readonly<Image>, status = 200): void {
  call.context.set('ETag', `W/"${etagOf(image)}"`);
  sendJson(call, armImage(call, image), status);
}

/** Answers at once: 201 with the import under way, 200 where there is nothing to import. */
export const putImage: ManagementHandler = async (call) => {
  const name = imageNameOf(call);
  const { properties } = validate(ImageBody, call.body ?? {});
  const { image } = await call.ports.submit(imagePut(name, properties));
  await importer(call).look();
  send(call, image, image.state === 'importing' ? 201 : 200);
};

export const getImage: ManagementHandler = async (call) => {
  const found = find(call);
  if (found === undefined) throw resourceNotFound(`images/${imageNameOf(call)}`);
  send(call, found);
};

export const listImages: ManagementHandler = async (call) =>
  sendPage(call, [...call.ports.view.images.values()], (image) => armImage(call, image));

export const deleteImage: ManagementHandler = async (call) => {
  const found = find(call);
  if (found === undefined) return sendNothing(call, 204);
  await call.ports.submit(imageDelete(found.key));
  await importer(call).look();
  sendNothing(call);
};
