import type { ImageKey } from '../../../protocol/keys.js';
import type { Command } from '../../engine/command.js';
import type { Image } from '../../core/image/state.js';

export type ImportOutcome =
  { content: NonNullable<Image['content']> } | { failure: NonNullable<Image['failure']> };

/** What came of an import; false: the image was deleted or got another source meanwhile. */
export const imageFinish = (
  key: ImageKey,
  generation: number,
  outcome: ImportOutcome,
): Command<boolean> => ({
  name: 'imageFinish',
  run(transaction) {
    const image = transaction.state.images.get(key);
    if (image?.generation !== generation || image.state !== 'importing') return false;
    if ('content' in outcome) {
      image.state = 'ready';
      image.content = outcome.content;
    } else {
      image.state = 'failed';
      image.failure = outcome.failure;
    }
    transaction.touched('image', image);
    return true;
  },
});
