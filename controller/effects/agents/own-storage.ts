import { PACKAGES_CONTAINER } from '../objects/package-store.js';
import { signedQuery } from '../objects/signed-url.js';

export interface StorageSigner {
  /** Path of a URL of this controller's own storage, `/storage/{account}/…`; undefined for any other URL. */
  ownPath(url: URL): string | undefined;
  sign(text: string): string;
  now(): number;
  urlLifetimeMs: number;
}

/** One node's way to the storage of its account. */
export class OwnStorage {
  constructor(
    private readonly signer: StorageSigner,
    private readonly account: string,
    /** The controller's URL as the node reaches it. */
    private readonly baseUrl: string,
  ) {}

  /**
   * A URL of this controller's own storage, of the same account and without a signature, comes back
   * with a short-lived one and with the host that the node knows; any other URL comes back as it is.
   */
  reachable(url: string, permissions: string): string {
    const parsed = parse(url);
    const path = parsed === undefined ? undefined : this.signer.ownPath(parsed);
    if (parsed === undefined || path === undefined) return url;
    const match = /^\/storage\/([^/]+)\/([^/]+)(?:\/(.+))?$/.exec(path);
    if (match?.[1] === undefined || match[2] === undefined) return url;
    // Application packages are written by whoever manages the account, never by tasks.
    if (match[2].toLowerCase() === PACKAGES_CONTAINER) return url;
    const signed = parsed.searchParams.has('sig');
    if (!signed && match[1].toLowerCase() !== this.account.toLowerCase()) return url;
    const query = signed
      ? parsed.search.slice(1)
      : this.query(match[2], permissions, match[3] === undefined ? undefined : decode(match[3]));
    return `${this.baseUrl}${path}?${query}`;
  }

  /** The file of an application package, to read. */
  applicationPackage(blob: string): string {
    const path = blob.split('/').map(encodeURIComponent).join('/');
    const query = this.query(PACKAGES_CONTAINER, 'r', blob);
    return `${this.baseUrl}/storage/${encodeURIComponent(this.account)}/${PACKAGES_CONTAINER}/${path}?${query}`;
  }

  /** A container by its name alone (`autoStorageContainerName`). */
  container(name: string, permissions: string): string {
    const query = this.query(name, permissions, undefined);
    return `${this.baseUrl}/storage/${encodeURIComponent(this.account)}/${encodeURIComponent(name)}?${query}`;
  }

  private query(container: string, permissions: string, blob: string | undefined): string {
    const expiry = new Date(this.signer.now() + this.signer.urlLifetimeMs).toISOString();
    return signedQuery(
      {
        account: this.account,
        container,
        permissions,
        expiry,
        ...(blob === undefined ? {} : { blob }),
      },
      (text) => this.signer.sign(text),
    );
  }
}

function parse(url: string): URL | undefined {
  try {
    return new URL(url);
  } catch {
    return undefined;
  }
}

function decode(path: string): string {
  try {
    return path.split('/').map(decodeURIComponent).join('/');
  } catch {
    return path;
  }
}
