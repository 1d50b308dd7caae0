/** `{account}.blob.{domain}`, the form in which Azure names storage accounts; both in lower case. */
export const storageHost = (account: string, domain: string) =>
  `${account.toLowerCase()}.blob.${domain}`;

/**
 * A path of the storage endpoints as `/storage/{account}/…`: as it stands, or with the account put in front
 * where `hostname` (no port) carries it. Undefined: not the storage's. `domain` undefined: no host names.
 */
export function storagePath(
  hostname: string,
  path: string,
  domain: string | undefined,
): string | undefined {
  const [account, ...rest] = hostname.toLowerCase().split('.blob.');
  if (domain !== undefined && rest.length === 1 && rest[0] === domain && account !== '')
    return `/storage/${String(account)}${path}`;
  return path.startsWith('/storage/') ? path : undefined;
}
