import { storageHost } from '../../../protocol/storage-host.js';

/**
 * The URL of an account's storage, without a slash at its end, as the asking client can use it:
 *   - `{origin}/storage/{account}` for all that take a URL as it is;
 *   - `{scheme}://{account}.blob.{domain}{:port}` where a storage domain is configured;
 *   - `{scheme}://{account}.blob.batchyard@{host}/storage/{account}` for the Azure CLI without one: it takes the
 *     URL's authority apart at its first two dots and puts it together again. So the account stands where it
 *     looks for it, and the host is one that needs no name resolution.
 * `origin` is `scheme://host:port` of the request.
 */
export function accountStorageUrl(
  origin: string,
  account: string,
  client: { userAgent: string; storageDomain: string | undefined },
): string {
  const { protocol, host, port } = new URL(origin);
  const path = `/storage/${encodeURIComponent(account)}`;
  if (client.storageDomain !== undefined)
    return `${protocol}//${storageHost(account, client.storageDomain)}${port === '' ? '' : `:${port}`}`;
  if (/\bAZURECLI\//i.test(client.userAgent))
    return `${protocol}//${storageHost(account, 'batchyard')}@${host}${path}`;
  return `${origin}${path}`;
}
