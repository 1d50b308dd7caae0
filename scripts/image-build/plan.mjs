// Which image is made, of what, where it is kept, and whether one that is there was made so.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import * as cloud from './cloud-image.mjs';
import * as guest from './guest.mjs';

export const FILES = { path: 'disk.qcow2', kernel: 'vmlinuz', initrd: 'initrd.img' };
const PACKAGE = /^[a-z0-9][a-z0-9+.-]{1,100}$/;
const SKU = /^[A-Za-z0-9][\w.-]{0,60}$/;

/** Other images' own. */
const TAKEN = [guest.IMAGE_NAMES.sku, cloud.IMAGE_NAMES.sku];

/** The small image with our own start, or the stand-in for cloud images. */
const KINDS = {
  small: {
    files: FILES,
    sources: ['image-build.mjs', 'image-build/guest.mjs', 'image-build/initrd.mjs'],
    packages: guest.PACKAGES,
    names: { ...guest.IMAGE_NAMES, verificationType: 'verified' },
  },
  cloud: {
    files: { path: 'disk.qcow2' },
    sources: ['image-build/cloud-image.mjs'],
    packages: cloud.PACKAGES,
    names: { ...cloud.IMAGE_NAMES, verificationType: 'unverified' },
  },
};

/**
 * What `buildImage` makes. Throws for packages that can't be names of Debian's, and for an image with
 * packages of its own under the name of the one without: a controller can offer one image a name.
 */
export function planOf({ kind = 'small', include = [], sku } = {}) {
  const { names, packages, ...rest } = KINDS[kind];
  if (kind === 'cloud' && (include.length > 0 || sku !== undefined))
    throw new Error(
      '--include and --sku are for the image of nodes, not for the stand-in (--cloud)',
    );
  const wrong = include.find((name) => !PACKAGE.test(name));
  if (wrong !== undefined)
    throw new Error(`--include: ${JSON.stringify(wrong)} is no name of a Debian package`);
  if (include.length > 0 && sku === undefined)
    throw new Error(
      `--include needs --sku NAME, the name that pools ask for (${names.sku} is the image without them), such as --sku ${names.sku}-${include[0]}`,
    );
  if (sku !== undefined && (!SKU.test(sku) || TAKEN.includes(sku)))
    throw new Error(
      `--sku: ${JSON.stringify(sku)}: allowed are letters, digits, dots, dashes and underscores, and not ${TAKEN.join(' or ')}`,
    );
  return {
    kind,
    sku,
    ...rest,
    include: [...include].sort(),
    packages: [...packages, ...include],
    names: { ...names, ...(sku === undefined ? {} : { sku }) },
  };
}

/** Where images are kept unless `--out` says otherwise. */
export function imageDirectory({ kind = 'small', sku } = {}) {
  const cache = process.env.BATCHYARD_CACHE ?? join(homedir(), '.cache', 'batchyard');
  const name = `debian-${sku ?? guest.IMAGE_NAMES.sku}${kind === 'cloud' ? '-cloud' : ''}`;
  return join(cache, 'images', name);
}

/** Changes with everything that ends up in the image, but for newer packages of the suite (`--force` takes those). */
export function recipeHash({ sources, include, names }) {
  const hash = createHash('sha256');
  for (const file of sources) hash.update(readFileSync(new URL(`../${file}`, import.meta.url)));
  if (include.length > 0) hash.update(JSON.stringify([include, names.sku]));
  return hash.digest('hex').slice(0, 16);
}

/** The manifest of a finished build in the folder, or undefined (none, half-made, or another recipe). */
export function builtImage(directory, plan = planOf()) {
  const file = join(directory ?? imageDirectory(plan), 'manifest.json');
  if (!existsSync(file)) return undefined;
  const manifest = JSON.parse(readFileSync(file, 'utf8'));
  const whole = Object.keys(plan.files).every(
    (key) =>
      existsSync(manifest.image[key]) && statSync(manifest.image[key]).size === manifest.bytes[key],
  );
  return whole && manifest.recipe === recipeHash(plan) ? manifest : undefined;
}
