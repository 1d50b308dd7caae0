import { readFileSync } from 'node:fs';
import { ConfigurationError } from './failure.js';

/**
 * An entry `{manifest: FILE}` of `images` stands for the image that `npm run image:build` described in
 * that file; other keys beside it win. Anything else passes, for the schema to judge.
 */
export function readManifests(images: unknown): unknown {
  return Array.isArray(images) ? images.map(readManifest) : images;
}

function readManifest(entry: unknown): unknown {
  if (typeof entry !== 'object' || entry === null || !('manifest' in entry)) return entry;
  const { manifest, ...own } = entry;
  if (typeof manifest !== 'string') {
    throw new ConfigurationError('images: manifest names the file that npm run image:build wrote');
  }
  let written: unknown;
  try {
    written = JSON.parse(readFileSync(manifest, 'utf8'));
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new ConfigurationError(
      `images: manifest ${manifest} can't be read (npm run image:build writes one): ${words}`,
      { cause: error },
    );
  }
  if (typeof written !== 'object' || written === null || !('image' in written)) {
    throw new ConfigurationError(`images: manifest ${manifest} describes no image`);
  }
  return { ...(written.image as object), ...own };
}
