/**
 * `/storage/{account}/{container}/{blob}`, or `/{container}/{blob}` on the account's own host: a small store that speaks enough of the Blob REST API for
 * resource files and output files, and for clients that prepare them: blobs whole or in blocks, lists
 * flat or by folder. Not a whole Blob service: no leases, snapshots, appends or pages.
 */
import { randomUUID } from 'node:crypto';
import type Koa from 'koa';
import { storagePath } from '../../../protocol/storage-host.js';
import { authorise, authoriseAdmin } from './authorisation.js';
import { deleteBlob, getBlob, putBlob } from './blob.js';
import { BLOCKS_CONTAINER, putBlock, putBlockList } from './blocks.js';
import { readListing } from './listing.js';
import type { StoragePorts } from './ports.js';
import { StorageError, isStorageErrorCode } from './storage-error.js';
import { errorXml, listXml } from './xml.js';

const STORAGE_PREFIX = '/storage/';
const LIST_LIMIT = 5000;
/** Until a client asks again while the backend is away. */
const RETRY_AFTER_SECONDS = 5;

interface Target {
  account: string;
  container: string;
  blob?: string;
}

/** The endpoints as a middleware; everything else is passed on. */
export function storageEndpoints(ports: StoragePorts): Koa.Middleware {
  return async (context, next) => {
    const path = storagePath(context.hostname, context.path, ports.storageDomain);
    if (path === undefined) return next();
    context.set('x-ms-request-id', randomUUID());
    context.set('x-ms-version', '2021-12-02');
    try {
      await route(ports, context, path);
    } catch (error) {
      answerError(context, error);
    }
  };
}

function answerError(context: Koa.Context, error: unknown): void {
  const code = (error as { code?: unknown }).code;
  const known =
    error instanceof StorageError
      ? error
      : isStorageErrorCode(code)
        ? new StorageError(code, code === 'ServerBusy' ? undefined : (error as Error).message)
        : undefined;
  const answer = known ?? new StorageError('InternalError');
  if (answer.status >= 500) context.app.emit('error', error, context);
  if (answer.code === 'ServerBusy') context.set('Retry-After', String(RETRY_AFTER_SECONDS));
  // What is left of the body is not worth reading: the connection ends with the answer.
  if (!context.req.complete) context.set('connection', 'close');
  context.status = answer.status;
  context.set('x-ms-error-code', answer.code);
  context.type = 'application/xml';
  context.body = errorXml(answer.code, answer.message);
}

async function route(ports: StoragePorts, context: Koa.Context, path: string): Promise<void> {
  const target = readTarget(path);
  if (!ports.accountExists(target.account)) throw new StorageError('ResourceNotFound');
  if (target.blob !== undefined) {
    await routeBlob(ports, context, { ...target, blob: target.blob });
    return;
  }
  const query = new URLSearchParams(context.querystring);
  if (query.get('restype') !== 'container') {
    throw new StorageError('InvalidUri', 'A container is asked for with restype=container.');
  }
  if (query.get('comp') === 'list') {
    authorise(ports, {
      ...target,
      permission: 'l',
      query,
      authorization: context.get('authorization') || undefined,
    });
    await listBlobs(ports, context, target, query);
    return;
  }
  if (query.has('comp'))
    throw new StorageError('NotImplemented', `comp=${String(query.get('comp'))}`);
  authoriseAdmin(ports, context.get('authorization'));
  await routeContainer(ports, context, target);
}

/** Names are percent-decoded segment by segment; a blob's name keeps its slashes. */
function readTarget(path: string): Target {
  const parts = path.slice(STORAGE_PREFIX.length).split('/').map(decode);
  const [account, container, ...rest] = parts;
  if (account === undefined || container === undefined || account === '' || container === '') {
    throw new StorageError('InvalidUri', 'Allowed is /storage/ACCOUNT/CONTAINER[/BLOB].');
  }
  if (container.toLowerCase() === BLOCKS_CONTAINER)
    throw new StorageError('InvalidResourceName', `${BLOCKS_CONTAINER} is reserved.`);
  const blob = rest.join('/');
  return blob === '' ? { account, container } : { account, container, blob };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new StorageError('InvalidUri', 'The path is not valid percent-encoding.');
  }
}

async function routeContainer(
  ports: StoragePorts,
  context: Koa.Context,
  target: Target,
): Promise<void> {
  const { account, container } = target;
  switch (context.method) {
    case 'PUT':
      if (!(await ports.blobs.createContainer(account, container))) {
        throw new StorageError('ContainerAlreadyExists');
      }
      context.body = null;
      context.status = 201;
      return;
    case 'DELETE':
      if (!(await ports.blobs.deleteContainer(account, container))) {
        throw new StorageError('ContainerNotFound');
      }
      context.body = null;
      context.status = 202;
      return;
    case 'GET':
    case 'HEAD':
      if (!(await ports.blobs.hasContainer(account, container))) {
        throw new StorageError('ContainerNotFound');
      }
      context.body = null;
      context.status = 200;
      return;
    default:
      throw new StorageError('UnsupportedHttpVerb');
  }
}

async function listBlobs(
  ports: StoragePorts,
  context: Koa.Context,
  { account, container }: Target,
  query: URLSearchParams,
): Promise<void> {
  if (context.method !== 'GET') throw new StorageError('UnsupportedHttpVerb');
  const limit = Math.min(Number(query.get('maxresults') ?? LIST_LIMIT), LIST_LIMIT);
  if (!Number.isInteger(limit) || limit < 1) {
    throw new StorageError('InvalidQueryParameterValue', 'maxresults: allowed are 1 to 5000.');
  }
  const page = { prefix: query.get('prefix') ?? '', marker: query.get('marker') ?? '', limit };
  const delimiter = query.get('delimiter') ?? '';
  const atOwnHost = !context.path.startsWith(STORAGE_PREFIX);
  const listing = await readListing(ports.blobs, account, container, page, delimiter);
  context.type = 'application/xml';
  context.body = listXml({
    ...page,
    ...listing,
    delimiter,
    container,
    endpoint: `${context.protocol}://${context.host}${atOwnHost ? '/' : `${STORAGE_PREFIX}${account}/`}`,
  });
}

async function routeBlob(
  ports: StoragePorts,
  context: Koa.Context,
  target: Required<Target>,
): Promise<void> {
  const query = new URLSearchParams(context.querystring);
  const comp = query.get('comp');
  if (comp !== null && !(context.method === 'PUT' && (comp === 'block' || comp === 'blocklist')))
    throw new StorageError('NotImplemented', `comp=${comp}`);
  const permission = PERMISSIONS[context.method];
  if (permission === undefined) throw new StorageError('UnsupportedHttpVerb');
  authorise(ports, {
    ...target,
    permission,
    query,
    authorization: context.get('authorization') || undefined,
  });
  if (comp === 'block') await putBlock(ports, context, target, query.get('blockid') ?? '');
  else if (comp === 'blocklist') await putBlockList(ports, context, target);
  else if (permission === 'w') await putBlob(ports, context, target);
  else if (permission === 'd') await deleteBlob(ports, context, target);
  else await getBlob(ports, context, target);
}

const PERMISSIONS: Record<string, 'r' | 'w' | 'd' | undefined> = {
  GET: 'r',
  HEAD: 'r',
  PUT: 'w',
  DELETE: 'd',
};
