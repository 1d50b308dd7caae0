/**
 * The end of a guest whose disk goes on: in order, so that what its tasks wrote last is on it. A guest that is
 * switched off loses what its kernel has not yet written, with ext4 the last half a minute and more.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Log } from '../../log.js';
import type { LibvirtConnection } from './connection.js';
import { runProgram } from './program.js';
import { batchUri } from './virsh.js';

const VIRSH = { debianPackage: 'libvirt-clients', timeoutMs: 20_000 };
/** systemd restarts on them without logind or D-Bus; our domains end where they would restart. */
const KEYS = ['KEY_LEFTCTRL', 'KEY_LEFTALT', 'KEY_DELETE'];
const LOOK_MS = 100;
/** Keys are lost where no driver listens yet. Seven within two seconds would be a restart without any order. */
const KEYS_EVERY_MS = 3_000;
/** A guest under emulation needs 1.5 s; one that stops services of its own, longer. */
const SHUT_DOWN_MAX_MS = 30_000;

/**
 * Resolves once the guest's processors stand still, or when it has had its time for it, or can't be told; the log
 * says so. It is for the caller to destroy the domain then.
 */
export async function shutDown(
  connection: LibvirtConnection,
  domain: string,
  log: Log,
  patienceMs = SHUT_DOWN_MAX_MS,
): Promise<void> {
  const began = performance.now();
  let pressed = -Infinity;
  while (await connection.isRunning(domain)) {
    const now = performance.now();
    if (now - began > patienceMs) {
      log.warn({ domain }, 'the guest does not shut down: it is switched off');
      return;
    }
    if (now - pressed > KEYS_EVERY_MS) {
      pressed = now;
      try {
        await press(connection.uri, domain);
      } catch (error) {
        if (await connection.isRunning(domain))
          log.warn({ err: error, domain }, 'the guest can not be shut down: it is switched off');
        return;
      }
    }
    await pause(LOOK_MS);
  }
}

const press = (uri: string, domain: string) =>
  runProgram('virsh', ['-q', '-c', batchUri(uri), 'send-key', domain, ...KEYS], VIRSH);
