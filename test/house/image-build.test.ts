import { describe, expect, it } from 'vitest';
import { buildImage } from '../../scripts/image-build.mjs';

/** Nothing is asked of it: what is refused is refused first. */
const mirror = 'http://127.0.0.1:1';

describe('npm run image:build with packages of Debian', () => {
  it('asks for a SKU of their own, and takes no other image’s', async () => {
    const include = ['openmpi-bin'];
    await expect(buildImage({ include, mirror })).rejects.toThrow('--include needs --sku NAME');
    for (const sku of ['12', '12-cloud', '../12', ''])
      await expect(buildImage({ include, sku, mirror })).rejects.toThrow(
        `--sku: "${sku}": allowed are`,
      );
  });
  it('takes names of packages only, and not for the stand-in of cloud images', async () => {
    const include = ['openmpi-bin;reboot'];
    await expect(buildImage({ include, sku: 'more', mirror })).rejects.toThrow(
      '"openmpi-bin;reboot"',
    );
    await expect(
      buildImage({ kind: 'cloud', include: ['gcc'], sku: 'more', mirror }),
    ).rejects.toThrow('--cloud');
  });
});
