import { join } from 'node:path';
import { ImageProperties } from '../../protocol/management/image.js';
import { imageFinish } from '../commands/image/finish.js';
import { imagePut } from '../commands/image/put.js';
import type { Image } from '../config/schema.js';
import { ImageImporter } from '../effects/images/importer.js';
import type { LibvirtImage } from '../effects/nodes/libvirt/libvirt-provider.js';
import type { Engine } from '../engine/engine.js';
import type { Parts } from './parts.js';

/** Brings the files of images into the data folder. */
export function createImageImporter({ configuration, log }: Parts, engine: () => Engine) {
  return new ImageImporter(join(configuration.data, 'images'), {
    images: () => engine().view.images,
    finish: (key, generation, outcome) => engine().submit(imageFinish(key, generation, outcome)),
    log,
  });
}

/** The configuration's images with a URL are imported like those of the management plane. */
export async function importConfigured(
  { configuration }: Parts,
  engine: Engine,
  importer: ImageImporter,
): Promise<void> {
  for (const image of configuration.images) {
    if (image.url === undefined) continue;
    const { publisher, offer, sku, version, nodeAgentSkuId, osType, verificationType } = image;
    const properties = ImageProperties.parse({
      ...{ publisher, offer, sku, version, nodeAgentSkuId, osType, verificationType },
      source: image.url,
      ...(image.sha256 === undefined ? {} : { sha256: image.sha256 }),
    });
    await engine.submit(imagePut(nameOf(image), properties));
  }
  await importer.look();
}

const nameOf = ({ publisher, offer, sku, version }: Image) =>
  [publisher, offer, sku, version]
    .join('-')
    .replace(/[^A-Za-z0-9_.-]/g, '-')
    .slice(0, 80);

/** Those that are ready, as a provider finds their files. */
export const importedImages = (engine: Engine): LibvirtImage[] =>
  [...engine.view.images.values()].flatMap(({ name, content, properties }) => {
    if (content === undefined) return [];
    const { publisher = '', offer = '', sku = '', version } = properties;
    return [{ publisher, offer, sku, version, imageName: name, path: content.path }];
  });
