import type { SupportedImage } from '../../core/settings.js';
import type { ListInput } from '../context.js';
import { listFilter } from '../filterable.js';
import type { ListReply } from '../paging.js';
import { page } from '../paging.js';
import { matches } from '../matches.js';

/** Account_ListSupportedImages: what the configuration offers, in its order by SKU and image. */
export async function accountListSupportedImages(
  context: { settings: { images: readonly SupportedImage[] } },
  input: ListInput,
): Promise<ListReply> {
  const filter = listFilter('supportedImages', input.account, input.filter);
  const images = context.settings.images
    .map((image) => ({ key: keyOf(image), body: imageInformation(image) }))
    .filter(({ body }) => filter === undefined || matches(filter, body))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const { rows, ...more } = await page('supportedimages', input, (after, limit) =>
    Promise.resolve(images.filter(({ key }) => after === undefined || key > after).slice(0, limit)),
  );
  return { value: rows.map(({ body }) => body), ...more };
}

/** Unique among images, and the token of a page: no slash, which would end an id. */
const keyOf = (image: SupportedImage): string =>
  [image.nodeAgentSkuId, image.publisher, image.offer, image.sku, image.version]
    .join('|')
    .replaceAll('/', '_')
    .toLowerCase();

const imageInformation = (image: SupportedImage) => ({
  nodeAgentSKUId: image.nodeAgentSkuId,
  imageReference: {
    publisher: image.publisher,
    offer: image.offer,
    sku: image.sku,
    version: image.version,
  },
  osType: image.osType,
  capabilities: [] as string[],
  verificationType: image.verificationType,
});
