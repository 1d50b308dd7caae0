import type { ImageKey } from '../../../protocol/keys.js';
import type { ImageProperties } from '../../../protocol/management/image.js';

/**
 * importing  its file is being fetched and looked at
 * ready      pools may name it
 * failed     `failure` says why; putting it again tries again
 */
type ImageState = 'importing' | 'ready' | 'failed';

/** A disk image that was added to the catalogue while the controller ran, or that its configuration imports. */
export interface Image {
  readonly key: ImageKey;
  readonly name: string;
  state: ImageState;
  properties: ImageProperties;
  /** Grows with each new source: what an import of an older one found is forgotten. */
  generation: number;
  content?: { path: string; sha256: string; bytes: number };
  failure?: { code: string; message: string };
  creationTime: number;
  lastModified: number;
  version: number;
}
