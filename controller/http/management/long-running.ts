import type { ManagementCall } from './call.js';
import { sendNothing } from './call.js';

const POLL_SECONDS = 1;
const RESULT = /\/operationResults\/[^/]+\/?$/i;

/**
 * Answers 202 with the URL that tells when a delete is over. It names the creation time, so that a
 * new resource under the old id is not mistaken for the old one.
 */
export function sendDeleteStarted(call: ManagementCall, creationTime: number): void {
  const resource = call.context.path.replace(RESULT, '');
  const version = encodeURIComponent(call.query.get('api-version') ?? '');
  const path = `${resource}/operationResults/${creationTime}?api-version=${version}`;
  sendNothing(call, 202);
  call.context.set('Location', `${call.baseUrl}${path}`);
  call.context.set('Retry-After', String(POLL_SECONDS));
}
