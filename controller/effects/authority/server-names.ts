import { hostname, networkInterfaces } from 'node:os';

/** The host as guests of QEMU's user mode network see it. */
export const GUEST_VIEW_OF_HOST = '10.0.2.2';

/** Every name that a client or node may reach a listening address by; `storageDomain` as configured. */
export function serverNames(host: string, storageDomain?: string): string[] {
  const wildcard = host === '0.0.0.0' || host === '::';
  return [
    ...new Set([
      'localhost',
      '*.localhost',
      ...(storageDomain === undefined ? [] : [`*.blob.${storageDomain}`]),
      '127.0.0.1',
      GUEST_VIEW_OF_HOST,
      ...(wildcard ? [hostname(), ...addresses()] : [host]),
    ]),
  ];
}

const addresses = () =>
  Object.values(networkInterfaces()).flatMap((list) =>
    // Link-local IPv6 addresses come with their interface: `fe80::1%eth0`.
    (list ?? []).map((item) => item.address.split('%', 1)[0] ?? item.address),
  );
