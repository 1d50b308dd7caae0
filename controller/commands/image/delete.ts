import { BatchError } from '../../../protocol/batch/errors.js';
import { findImage } from '../../../protocol/batch/image-reference.js';
import type { ImageKey } from '../../../protocol/keys.js';
import type { Command } from '../../engine/command.js';
import { offered } from '../../core/image/offered.js';

/** Image_Delete: refused while a pool means it, since its nodes could not be made again. */
export const imageDelete = (key: ImageKey): Command<void> => ({
  name: 'imageDelete',
  run(transaction) {
    const { state } = transaction;
    const image = state.images.get(key);
    if (image === undefined) return;
    for (const pool of state.pools.values()) {
      const reference = pool.specification.virtualMachineConfiguration?.imageReference;
      if (reference === undefined) continue;
      if (findImage(offered(transaction), reference)?.imageName === image.name)
        throw new BatchError('OperationInvalidForCurrentState', [
          { key: 'Reason', value: `pool ${pool.id} is made from the image ${image.name}` },
        ]);
    }
    state.images.delete(key);
    transaction.removed('image', image);
  },
});
