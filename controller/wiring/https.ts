import type { Configuration } from '../config/schema.js';
import type { readTls } from '../config/tls.js';
import type { Authority } from '../effects/authority/authority.js';
import { serverNames } from '../effects/authority/server-names.js';
import { systemClock as clock } from '../effects/system-clock.js';
import type { Listeners } from '../http/listen.js';

/** The certificate of https: a configured one, or the folder's own CA's. */
export function secure(
  { tlsListen, storageDomain }: Configuration,
  configured: ReturnType<typeof readTls> | undefined,
  listeners: Listeners,
  authority: Authority,
): { caPem?: string; caFile?: string } {
  if (tlsListen === undefined) return {};
  if (configured !== undefined) {
    listeners.useCertificate(configured);
    return {};
  }
  const ca = authority.certificateAuthority(clock.now());
  listeners.useCertificate(
    ca.serverCertificate(serverNames(tlsListen.host, storageDomain), clock.now()),
  );
  return { caPem: ca.caPem, caFile: ca.caFile };
}
