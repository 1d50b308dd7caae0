import { BlobRefused } from './object-store.js';

/** The Blob service's and S3's limit. */
const NAME_BYTES_MAX = 1024;

/**
 * Lets names pass that may stand in the URL of a backend. Refuses with BlobRefused names with `.` or
 * `..` between slashes: clients, proxies and servers resolve those, and the request would reach another
 * blob than the one that it was authorised for. Also backslashes, which Azure takes for slashes, and
 * control characters, which XML listings can't hold.
 */
export function checkBlobName(name: string, bytesMax = NAME_BYTES_MAX): void {
  const bytes = Buffer.byteLength(name);
  const wrong =
    name === ''
      ? 'is empty'
      : bytes > bytesMax
        ? `has ${String(bytes)} bytes, allowed are ${String(bytesMax)}`
        : /(^|\/)\.\.?(\/|$)/.test(name)
          ? 'has a part . or ..'
          : /[\\\p{Cc}\p{Surrogate}\uFFFE\uFFFF]/u.test(name)
            ? 'has characters that are not allowed'
            : undefined;
  if (wrong === undefined) return;
  const shown = name.length > 100 ? `${name.slice(0, 100)}…` : name;
  throw new BlobRefused('InvalidResourceName', `blob name ${JSON.stringify(shown)} ${wrong}`);
}

/** The same as a question, for reads: what can't have been written isn't there. */
export function isBlobName(name: string, bytesMax?: number): boolean {
  try {
    checkBlobName(name, bytesMax);
    return true;
  } catch (error) {
    if (error instanceof BlobRefused) return false;
    throw error;
  }
}
