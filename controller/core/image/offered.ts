import type { SupportedImage } from '../settings.js';
import type { Image } from './state.js';

/** Everything that pools may name: the configuration's images, then those that were imported and are ready. */
export function* offered(context: {
  settings: { images: readonly SupportedImage[] };
  state: { images: ReadonlyMap<unknown, Readonly<Image>> };
}): Generator<SupportedImage & { imageName?: string }> {
  yield* context.settings.images;
  yield* imported(context.state);
}

/** Imported images that are ready. */
export function* imported(state: {
  images: ReadonlyMap<unknown, Readonly<Image>>;
}): Generator<SupportedImage & { imageName: string }> {
  for (const image of state.images.values()) if (image.state === 'ready') yield supported(image);
}

function supported({ name, properties }: Readonly<Image>): SupportedImage & { imageName: string } {
  const { publisher = '', offer = '', sku = '', version } = properties;
  const { nodeAgentSkuId, osType, verificationType } = properties;
  return {
    ...{ publisher, offer, sku, version, nodeAgentSkuId, osType, verificationType },
    imageName: name,
    nodeProvider: 'libvirt',
  };
}
