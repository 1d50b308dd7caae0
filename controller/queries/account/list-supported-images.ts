import type { SupportedImage } from '../../core/settings.js';
import type { ListInput } from '../context.js';
import { listFilter } from '../filterable.js';
import type { ListReply } from '../paging.js';
import { page } from '../paging.js';
import { matches } from '../matches.js';

/** What is offered: by the configuration, and what was imported. */
export interface Offer {
  settings: { images: readonly SupportedImage[] };
  view?: { importedImages(): Iterable<SupportedImage> };
}

/** Account_ListSupportedImages: in the order of SKU and image; images that only have an id are not listed. */
export async function accountListSupportedImages(
  { settings, view }: Offer,
  input: ListInput,
): Promise<ListReply> {
  const filter = listFilter('supportedImages', input.account, input.filter);
  const images = [...settings.images, ...(view?.importedImages() ?? [])]
    .filter(({ publisher }) => publisher !== '')
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
