import { createHash } from 'node:crypto';
import type { ObjectStore, OpenBlob } from './object-store.js';
import { signedQuery } from './signed-url.js';

/**
 * The container of an account that holds its application packages, `{application}/{version}/{upload}.zip`.
 * Tasks get URLs of single blobs of it and nothing more.
 */
export const PACKAGES_CONTAINER = 'application-packages';
/** As long as the service's own: four hours. */
const URL_LIFETIME_MS = 4 * 3_600_000;

/** Every local entry of a zip file begins like this. */
const LOCAL_ENTRY = Buffer.from([0x50, 0x4b, 0x03, 0x04]);
const END_OF_DIRECTORY = Buffer.from([0x50, 0x4b, 0x05, 0x06]);
/** The end record, and the longest comment behind it. */
const END_BYTES = 22;
const TAIL_BYTES = END_BYTES + 65_535;

export type InspectedPackage =
  { found: 'nothing' } | { found: 'noZip' } | { found: 'zip'; md5: string; bytes: number };

export interface PackageStorePorts {
  objects: ObjectStore;
  sign(text: string): string;
  now(): number;
}

/** Files of application packages in the controller's own storage. */
export class PackageStore {
  constructor(private readonly ports: PackageStorePorts) {}

  /** Makes the account's container where there is none yet. */
  async prepare(account: string): Promise<void> {
    await this.ports.objects.createContainer(account, PACKAGES_CONTAINER);
  }

  /**
   * A URL below `storageUrl`, the account's, that permits `permissions` (of r, w) on one blob; `expiry` is
   * epoch milliseconds.
   */
  url(
    storageUrl: string,
    account: string,
    blob: string,
    permissions: string,
  ): { url: string; expiry: number } {
    const expiry = this.ports.now() + URL_LIFETIME_MS;
    const query = signedQuery(
      {
        account,
        container: PACKAGES_CONTAINER,
        blob,
        permissions,
        expiry: new Date(expiry).toISOString(),
      },
      (text) => this.ports.sign(text),
    );
    const path = [PACKAGES_CONTAINER, ...blob.split('/')].map(encodeURIComponent);
    return { url: `${storageUrl}/${path.join('/')}?${query}`, expiry };
  }

  /** Looks whether a zip file was uploaded: its first entry and its end, not what is inside. */
  async inspect(account: string, blob: string): Promise<InspectedPackage> {
    const opened = await this.ports.objects.open({ account, container: PACKAGES_CONTAINER, blob });
    if (opened === undefined) return { found: 'nothing' };
    const { bytes, md5, head, tail } = await measure(opened);
    const end = tail.lastIndexOf(END_OF_DIRECTORY);
    const begins = head.equals(LOCAL_ENTRY) || head.equals(END_OF_DIRECTORY);
    const isZip = begins && end >= 0 && tail.length - end >= END_BYTES;
    return isZip ? { found: 'zip', md5, bytes } : { found: 'noZip' };
  }

  /** Blobs that are gone already are no failure. */
  async remove(account: string, blobs: readonly string[]): Promise<void> {
    for (const blob of blobs)
      await this.ports.objects.delete({ account, container: PACKAGES_CONTAINER, blob });
  }
}

interface Measured {
  bytes: number;
  /** Base64. */
  md5: string;
  head: Buffer;
  tail: Buffer;
}

/** Reads the blob through once, keeping its first and last bytes; closes it. */
async function measure(blob: OpenBlob): Promise<Measured> {
  const md5 = createHash('md5');
  let bytes = 0;
  let head = Buffer.alloc(0);
  let tail = Buffer.alloc(0);
  try {
    const { contentLength } = blob.properties;
    for await (const chunk of contentLength === 0 ? [] : await blob.read(0, contentLength - 1)) {
      const part = chunk as Buffer;
      bytes += part.length;
      md5.update(part);
      if (head.length < LOCAL_ENTRY.length)
        head = Buffer.concat([head, part]).subarray(0, LOCAL_ENTRY.length);
      tail = Buffer.concat([tail, part]).subarray(-TAIL_BYTES);
    }
  } finally {
    await blob.close();
  }
  return { bytes, md5: md5.digest('base64'), head, tail };
}
