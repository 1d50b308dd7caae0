import { isUtf8 } from 'node:buffer';
import type { Context } from 'koa';
import { BatchError } from '../../../protocol/batch/errors.js';
import { LIMITS } from '../../../protocol/batch/limits.js';

/** Beyond this the connection is cut. */
const DRAINED_BYTES = 16 * LIMITS.requestBodyBytes;

const tooLarge = () =>
  new BatchError('RequestBodyTooLarge', [
    { key: 'MaximumAllowed', value: String(LIMITS.requestBodyBytes) },
  ]);

/**
 * Reads the whole body, at most the documented 1 MB. Called after authentication only. A larger body
 * is read to its end (and not kept), or the client would see a broken connection, not the answer.
 */
async function readBytes(context: Context): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of context.req as AsyncIterable<Buffer>) {
    length += part.length;
    if (length <= LIMITS.requestBodyBytes) parts.push(part);
    else if (length > DRAINED_BYTES) {
      context.set('Connection', 'close');
      throw tooLarge();
    }
  }
  if (length > LIMITS.requestBodyBytes) throw tooLarge();
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
}

/** The body as a form (`a=1&b=2`), whatever its content type says. */
export async function readForm(context: Context): Promise<URLSearchParams> {
  return new URLSearchParams((await readBytes(context)).toString('utf8'));
}

/** The body as JSON; undefined where there is none. */
export async function readJson(context: Context): Promise<unknown> {
  const bytes = await readBytes(context);
  if (bytes.length === 0) return undefined;
  const type = context.get('content-type');
  if (type !== '' && !/^(application|text)\/[\w.+-]*json\b/i.test(type))
    throw new BatchError('InvalidHeaderValue', [
      { key: 'HeaderName', value: 'Content-Type' },
      { key: 'HeaderValue', value: type.slice(0, 100) },
      { key: 'Reason', value: 'Expected is application/json.' },
    ]);
  if (!isUtf8(bytes))
    throw new BatchError('InvalidRequestBody', [
      { key: 'Reason', value: 'The body is not valid UTF-8.' },
    ]);
  const text = bytes.toString('utf8');
  try {
    return JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text) as unknown;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new BatchError('InvalidRequestBody', [
      { key: 'Reason', value: 'The body is not valid JSON.' },
    ]);
  }
}
