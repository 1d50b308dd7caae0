import { describe, expect, it } from 'vitest';
import { findImage } from '../../protocol/batch/image-reference.js';

const image = (version: string, imageName?: string) => ({
  ...{ publisher: 'yard', offer: 'linux', sku: 'one', version },
  ...(imageName === undefined ? {} : { imageName }),
});
const images = [image('1.9'), image('1.10', 'Ten'), image('1.2')];
const names = { publisher: 'YARD', offer: 'Linux', sku: 'one' };

describe('the image that a pool means', () => {
  it('is the highest version where it says latest, numbers counted as numbers', () => {
    expect(findImage(images, { ...names, version: 'latest' })?.version).toBe('1.10');
  });
  it('is the very version that it names', () => {
    expect(findImage(images, { ...names, version: '1.9' })?.version).toBe('1.9');
    expect(findImage(images, { ...names, version: '2' })).toBeUndefined();
  });
  it('is a custom one by its resource id, whatever case', () => {
    const id = '/subscriptions/s/providers/Microsoft.Batch/locations/local/images/TEN';
    expect(findImage(images, { virtualMachineImageId: id })?.version).toBe('1.10');
    expect(findImage(images, { virtualMachineImageId: `${id}/versions/1` })?.version).toBe('1.10');
    expect(findImage(images, { virtualMachineImageId: '/images/other' })).toBeUndefined();
  });
});
