import type { ListInput } from '../context.js';
import type { ListReply } from '../paging.js';
import { accountListSupportedImages, type Offer } from './list-supported-images.js';

interface Sku {
  id: string;
  osType: string;
  verifiedImageReferences: object[];
}

/** Account_ListNodeAgentSkus, retired in 2019-06: the supported images by their node agent SKU. */
export async function accountListNodeAgentSkus(
  context: Offer,
  { account, filter }: ListInput,
): Promise<ListReply> {
  const images = await accountListSupportedImages(context, {
    account,
    ...(filter === undefined ? {} : { filter }),
  });
  const skus = new Map<string, Sku>();
  for (const image of images.value as {
    nodeAgentSKUId: string;
    osType: string;
    imageReference: object;
  }[]) {
    const { nodeAgentSKUId: id, osType, imageReference } = image;
    const sku = skus.get(id) ?? { id, osType, verifiedImageReferences: [] };
    sku.verifiedImageReferences.push(imageReference);
    skus.set(id, sku);
  }
  return { value: [...skus.values()] };
}
