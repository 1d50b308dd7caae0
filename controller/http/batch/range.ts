import { BatchError } from '../../../protocol/batch/errors.js';
import type { Call } from '../call.js';

/** `bytes=a-b` or `bytes=a-` of ocp-range (or Range). */
export function readRange(call: Call): { start?: number; end?: number } | undefined {
  const name = call.context.get('ocp-range') === '' ? 'Range' : 'ocp-range';
  const text = call.context.get(name).trim();
  if (text === '') return undefined;
  const match = /^bytes=(\d{1,15})-(\d{1,15})?$/i.exec(text);
  if (match === null)
    throw new BatchError('InvalidHeaderValue', [
      { key: 'HeaderName', value: name },
      { key: 'HeaderValue', value: text.slice(0, 100) },
      { key: 'Reason', value: 'Expected is bytes=start-end or bytes=start-.' },
    ]);
  const start = Number(match[1]);
  const end = match[2] === undefined ? undefined : Number(match[2]);
  if (end !== undefined && end < start) throw new BatchError('InvalidRange');
  return { start, end };
}
