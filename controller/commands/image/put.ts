import { BatchError } from '../../../protocol/batch/errors.js';
import { imageKey } from '../../../protocol/keys.js';
import type { ImageProperties } from '../../../protocol/management/image.js';
import type { Command } from '../../engine/command.js';
import type { Image } from '../../core/image/state.js';

const IMAGES_MAX = 1000;

/**
 * Image_Put: a new image is to be imported; another source of one that exists is imported in its place
 * (pools that name it get the new one with the nodes that are made from then on), and so is one whose
 * import failed. Anything else of it changes at once.
 */
export const imagePut = (name: string, properties: ImageProperties): Command<{ image: Image }> => ({
  name: 'imagePut',
  run(transaction) {
    const { state, now } = transaction;
    const key = imageKey(name);
    const present = state.images.get(key);
    if (present === undefined) {
      if (state.images.size >= IMAGES_MAX)
        throw new BatchError('InvalidRequestBody', [
          { key: 'Reason', value: `there are ${String(IMAGES_MAX)} images already` },
        ]);
      const times = { creationTime: now, lastModified: now, version: 1, generation: 1 };
      const image: Image = { key, name, state: 'importing', properties, ...times };
      state.images.set(key, image);
      transaction.changed('image', image);
      return { image: { ...image } };
    }
    const { source, sha256 } = present.properties;
    const isSame = source === properties.source && sha256 === properties.sha256;
    present.properties = properties;
    if (!isSame || present.state === 'failed') {
      present.state = 'importing';
      present.generation += 1;
      delete present.failure;
      delete present.content;
    }
    transaction.touched('image', present);
    return { image: { ...present } };
  },
});
