import { networkInterfaces } from 'node:os';
import type { NodeEnvironment } from '../core/environment.js';

/** Variables of the agent's own environment that tasks get too; nothing else of it reaches them. */
const LENT = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'SHELL',
  'LANG',
  'LANGUAGE',
  'LC_ALL',
  'LC_CTYPE',
  'TZ',
  'TMPDIR',
];
const PATH_DEFAULT = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export function lentEnvironment(own: NodeJS.ProcessEnv): NodeEnvironment {
  const environment: Record<string, string> = { PATH: PATH_DEFAULT };
  for (const name of LENT) {
    const value = own[name];
    if (value !== undefined && value !== '') environment[name] = value;
  }
  return environment;
}

/** The node's address for its neighbours: the first that is not loopback. */
export function ipAddress(): string {
  for (const addresses of Object.values(networkInterfaces())) {
    for (const address of addresses ?? []) {
      if (!address.internal && address.family === 'IPv4') return address.address;
    }
  }
  return '127.0.0.1';
}
