/**
 * The template of resumed nodes: a guest that has booted as far as it can without knowing who it is. It
 * waits here, is saved with all its memory, and each node that is resumed from that image goes on here,
 * with a seed of its own in the firmware configuration and everything the same as its siblings. So before
 * it says a word to anyone: the clock, the random pools, the machine id and the network address are its own.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout as pause } from 'node:timers/promises';
import type Koffi from 'koffi';
import { PADDED_SEED_BYTES, Seed } from '../../protocol/agent/enrol.js';
import type { Resumption, TemplateSeed } from '../../protocol/agent/enrol.js';
import { FIRMWARE_SEED } from './identity.js';

const MACHINE_ID = '/etc/machine-id';
const LOOK_INTERVAL_MS = 20;
const LOOK_BYTES = 64;
/** A boot that has not settled by then is saved as it is. */
const SETTLE_LIMIT_MS = 60_000;
const SETTLE_LOOK_MS = 250;

// From <linux/random.h> and <time.h>.
const RNDADDENTROPY = 0x40085203;
const RNDRESEEDCRNG = 0x5207;
const CLOCK_REALTIME = 0;

/** The words that the host looks for in the guest's console log. */
const WAITS_FOR_SEED = 'waits for its identity';

interface Native {
  clockSet: (clock: number, time: Buffer) => number;
  ioctl: (descriptor: number, request: number, argument: Buffer | null) => number;
  /** OpenSSL's, of this program: new seed for everything that TLS and node:crypto draw from. */
  randSeed: (bytes: Buffer, count: number) => void;
}

/** Throws where koffi or OpenSSL's symbols are missing: such a guest can't be resumed safely. */
function bind(): Native {
  const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
  const libc = koffi.load('libc.so.6');
  const own = koffi.load(null);
  return {
    clockSet: libc.func('int clock_settime(int clock, void *time)'),
    ioctl: libc.func('int ioctl(int descriptor, unsigned long request, void *argument)'),
    randSeed: own.func('void RAND_seed(void *bytes, int count)'),
  };
}

/**
 * Waits until the boot has settled, says so, and resolves to the seed of the node that this guest goes
 * on as, its random pools, clock and names renewed.
 */
export async function awaitSeed(
  { sharesNetwork = false }: TemplateSeed,
  log: (text: string) => void,
): Promise<Seed> {
  const native = bind();
  if (!hasSeed()) {
    await settled();
    if (sharesNetwork) changeLink('down');
    log(WAITS_FOR_SEED);
    while (!hasSeed()) await pause(LOOK_INTERVAL_MS);
  }
  const parsed = Seed.safeParse(JSON.parse(readFirmware(PADDED_SEED_BYTES).toString('utf8')));
  if (!parsed.success) throw new Error('the firmware configuration holds no valid seed');
  const { resumption, ...seed } = parsed.data;
  if (resumption !== undefined) becomeAnother(native, resumption, log);
  return seed;
}

/** Resolves once no unit is left to start, so that nodes do not resume into the rest of a boot. */
async function settled(): Promise<void> {
  const deadline = performance.now() + SETTLE_LIMIT_MS;
  while (performance.now() < deadline) {
    if (!/^(initializing|starting)/.test(systemState())) return;
    await pause(SETTLE_LOOK_MS);
  }
}

function systemState(): string {
  try {
    return execFileSync('systemctl', ['is-system-running'], { encoding: 'utf8' });
  } catch (error) {
    // It exits with 1 for all but `running`; the word is what counts.
    return (error as { stdout?: string }).stdout ?? '';
  }
}

const hasSeed = () => readFirmware(LOOK_BYTES).includes('"nodeKey"');

function readFirmware(count: number): Buffer {
  const file = openSync(FIRMWARE_SEED, 'r');
  try {
    const bytes = Buffer.alloc(count);
    let filled = 0;
    for (;;) {
      const read = readSync(file, bytes, filled, count - filled, filled);
      filled += read;
      if (read === 0 || filled === count) return bytes.subarray(0, filled);
    }
  } finally {
    closeSync(file);
  }
}

function becomeAnother(native: Native, own: Resumption, log: (text: string) => void): void {
  setClock(native, Math.max(own.time, hardwareClock()));
  renewRandomness(native, Buffer.from(own.entropy, 'base64'));
  // An agent that was started again after all this keeps the names that the node has.
  if (readFileSync(MACHINE_ID, 'utf8').trim() === own.machineId) return;
  writeFileSync(MACHINE_ID, `${own.machineId}\n`);
  for (const name of ['rsa', 'ecdsa', 'ed25519'])
    for (const end of ['', '.pub']) rmSync(`/etc/ssh/ssh_host_${name}_key${end}`, { force: true });
  if (own.macAddress !== undefined) renewAddress(own.macAddress);
  log('goes on from a memory image, with a clock, random pools and names of its own');
}

/** Epoch milliseconds by the board's clock, which went on; 0 where it can't be read. */
function hardwareClock(): number {
  try {
    return Number(readFileSync('/sys/class/rtc/rtc0/since_epoch', 'utf8')) * 1000;
  } catch {
    return 0;
  }
}

function setClock(native: Native, epochMs: number): void {
  const time = Buffer.alloc(16);
  time.writeBigInt64LE(BigInt(Math.floor(epochMs / 1000)), 0);
  time.writeBigInt64LE(BigInt(Math.floor(epochMs % 1000) * 1_000_000), 8);
  if (native.clockSet(CLOCK_REALTIME, time) !== 0) throw new Error('the clock could not be set');
}

/** The kernel's pool first, then OpenSSL's from it: both stood the same in every sibling. */
function renewRandomness(native: Native, entropy: Buffer): void {
  const pool = Buffer.alloc(8 + entropy.length);
  pool.writeInt32LE(entropy.length * 8, 0);
  pool.writeInt32LE(entropy.length, 4);
  entropy.copy(pool, 8);
  const file = openSync('/dev/urandom', 'r+');
  const fresh = Buffer.alloc(64);
  try {
    if (
      native.ioctl(file, RNDADDENTROPY, pool) !== 0 ||
      native.ioctl(file, RNDRESEEDCRNG, null) !== 0
    )
      throw new Error("the kernel's random pool could not be renewed");
    readSync(file, fresh);
  } finally {
    closeSync(file);
  }
  native.randSeed(fresh, fresh.length);
}

/** Down and up with another address; the network daemon then asks for a lease of its own. */
function renewAddress(macAddress: string): void {
  changeLink('down');
  changeLink('address', macAddress);
  changeLink('up');
}

function changeLink(...change: string[]): void {
  execFileSync('ip', ['link', 'set', 'dev', 'eth0', ...change]);
}
