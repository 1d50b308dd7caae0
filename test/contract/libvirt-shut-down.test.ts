import pino from 'pino';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { LibvirtConnection } from '../../controller/effects/nodes/libvirt/connection.js';
import { shutDown } from '../../controller/effects/nodes/libvirt/shut-down.js';
import { libvirtRequirement, suite } from '../support/requirements.js';

/** libvirt's own driver for tests: each connection has domains of its own, and each has one named `test`. */
const URI = 'test:///default';
const OWN =
  "<domain type='test'><name>own</name><memory>1024</memory><os><type>hvm</type></os></domain>";

suite('the shutdown of a guest', [await libvirtRequirement()], () => {
  const connection = new LibvirtConnection(URI);
  const logged: string[] = [];
  const log = pino({ base: null }, { write: (line: string) => logged.push(line) });

  beforeEach(() => {
    logged.length = 0;
  });
  afterAll(() => connection.close());

  it('is over at once, without a word, where nothing runs', async () => {
    await shutDown(connection, 'nobody', log, 0);
    expect(logged).toEqual([]);
  });

  it('takes no longer than its time where the guest hears the keys and goes on, and says so', async () => {
    await shutDown(connection, 'test', log, 200);
    expect(await connection.isRunning('test')).toBe(true);
    expect(logged.join()).toMatch(/"domain":"test".*does not shut down: it is switched off/);
  });

  it('waits for nothing where the keys do not reach the guest, and says why', async () => {
    // virsh, a connection of its own, has no such domain.
    await connection.create('own', OWN);
    await shutDown(connection, 'own', log, Infinity);
    expect(await connection.isRunning('own')).toBe(true);
    expect(logged.join()).toMatch(/failed to get domain 'own'.*can not be shut down/);
  });

  it('is over once the guest has ended', async () => {
    const ended = shutDown(connection, 'test', log, Infinity);
    await connection.destroy('test');
    await ended;
    expect(logged).toEqual([]);
  });
});
