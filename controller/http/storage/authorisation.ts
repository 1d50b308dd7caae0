import type { StoragePorts } from './ports.js';
import { StorageError } from './storage-error.js';

/** What a request wants to do: read, write, delete, list. */
export type Permission = 'r' | 'w' | 'd' | 'l';

/**
 * Lets a request pass that carries the admin's bearer token or a signed query whose terms cover it.
 * Operations on a container itself (make, delete) are the admin's. Throws StorageError.
 */
export function authorise(
  ports: StoragePorts,
  request: {
    account: string;
    container: string;
    blob?: string;
    permission: Permission;
    query: URLSearchParams;
    authorization: string | undefined;
  },
): void {
  const bearer = /^Bearer (.+)$/i.exec(request.authorization ?? '')?.[1];
  if (bearer !== undefined) {
    if (ports.isAdminToken(bearer)) return;
    throw new StorageError('AuthenticationFailed');
  }
  const [expiry, permissions, resource, signature] = ['se', 'sp', 'sr', 'sig'].map(
    (name) => request.query.get(name) ?? '',
  ) as [string, string, string, string];
  const { account, container, blob } = request;
  const terms = { account, container, permissions, expiry };
  const covered =
    resource === 'c'
      ? terms
      : resource === 'b' && blob !== undefined
        ? { ...terms, blob }
        : undefined;
  if (covered === undefined || signature === '' || !ports.isSignature(covered, signature)) {
    throw new StorageError('AuthenticationFailed');
  }
  const end = Date.parse(expiry);
  if (Number.isNaN(end) || end <= ports.now()) {
    throw new StorageError('AuthenticationFailed', `The signature expired at ${expiry}.`);
  }
  if (!permissions.includes(request.permission)) {
    throw new StorageError('AuthorizationPermissionMismatch', `It has: ${permissions}.`);
  }
}

/** Only the admin's bearer token. */
export function authoriseAdmin(ports: StoragePorts, authorization: string | undefined): void {
  const bearer = /^Bearer (.+)$/i.exec(authorization ?? '')?.[1];
  if (bearer === undefined || !ports.isAdminToken(bearer)) {
    throw new StorageError('AuthenticationFailed');
  }
}
