/** What an image is known by, in the catalogue and in pools. */
export interface ImageNames {
  publisher: string;
  offer: string;
  sku: string;
  version: string;
  /** Of an image that was imported: the last part of its resource id. */
  imageName?: string | undefined;
}

interface Reference {
  publisher?: string | undefined;
  offer?: string | undefined;
  sku?: string | undefined;
  version?: string | undefined;
  virtualMachineImageId?: string | undefined;
}

const same = (one: string | undefined, other: string | undefined) =>
  one?.toLowerCase() === other?.toLowerCase();

/**
 * The image that a pool means: by its resource id, or by publisher, offer, sku and version, of which
 * `latest` is the highest there is. Case does not count; undefined: there is none.
 */
export function findImage<T extends ImageNames>(
  images: Iterable<T>,
  wanted: Reference,
): T | undefined {
  let found: T | undefined;
  if (wanted.virtualMachineImageId !== undefined) {
    const name = customImageName(wanted.virtualMachineImageId);
    for (const image of images)
      if (image.imageName !== undefined && same(image.imageName, name)) return image;
    return undefined;
  }
  for (const image of images) {
    const named =
      same(image.publisher, wanted.publisher) &&
      same(image.offer, wanted.offer) &&
      same(image.sku, wanted.sku);
    if (!named) continue;
    if (same(image.version, wanted.version)) return image;
    const isNewer = found === undefined || compareVersions(image.version, found.version) > 0;
    if (same(wanted.version ?? 'latest', 'latest') && isNewer) found = image;
  }
  return found;
}

/** `…/images/{name}` or `…/images/{name}/versions/…` of a resource id; the whole where it is none. */
const customImageName = (id: string): string =>
  /\/images\/([^/]+)(?:\/versions\/[^/]+)?\/?$/i.exec(id)?.[1] ?? id;

/** Numbers in versions count as numbers: 1.10 is above 1.9. */
function compareVersions(one: string, other: string): number {
  const [a, b] = [one, other].map((version) => version.split(/[.+-]/)) as [string[], string[]];
  for (let at = 0; at < Math.max(a.length, b.length); at += 1) {
    const [left = '', right = ''] = [a[at], b[at]];
    if (left === right) continue;
    const numbers = /^\d+$/.test(left) && /^\d+$/.test(right);
    return numbers ? Number(left) - Number(right) : left < right ? -1 : 1;
  }
  return 0;
}
