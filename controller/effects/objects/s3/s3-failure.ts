import { BlobRefused } from '../object-store.js';
import { ObjectStoreFailure } from '../store-failure.js';

/** What servers call a name that they don't want (the last four: file systems below them). */
const NAME_CODES = new Set([
  'KeyTooLongError',
  'InvalidObjectName',
  'XMinioInvalidObjectName',
  'XMinioParentIsObject',
  'XMinioObjectExistsAsDirectory',
  'ExistingObjectIsDirectory',
  'ObjectParentIsFile',
]);

/**
 * Runs one request; a failure comes out in our words, without the request that it carries. A refusal
 * that is the caller's becomes BlobRefused.
 */
export async function withOurWords<T>(
  subject: string,
  request: () => Promise<T>,
  /** What it means when a condition of the request does not hold. */
  conflict: 'BlobAlreadyExists' | 'ConditionNotMet' = 'ConditionNotMet',
): Promise<T> {
  try {
    return await request();
  } catch (error) {
    throw translated(subject, error, conflict);
  }
}

function translated(
  subject: string,
  error: unknown,
  conflict: 'BlobAlreadyExists' | 'ConditionNotMet',
): unknown {
  if (!(error instanceof Error) || error instanceof BlobRefused) return error;
  const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
  const isNetwork =
    (error as { code?: unknown }).code !== undefined || error.name === 'TimeoutError';
  // A broken body, for example: not the server's doing.
  if (status === undefined && !isNetwork) return error;
  const text = `${error.name}: ${error.message}`;
  if (status === 412 || error.name === 'ConditionalRequestConflict') {
    return new BlobRefused(conflict, `${subject}: ${text}`);
  }
  if (NAME_CODES.has(error.name)) return new BlobRefused('InvalidResourceName', text);
  return new ObjectStoreFailure(`S3, ${subject}: ${text}`, status);
}
