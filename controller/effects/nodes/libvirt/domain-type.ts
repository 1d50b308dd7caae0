/**
 * Which domain type a hypervisor really runs. That /dev/kvm opens says little: on nested hosts guests
 * may hang in it. So a tiny guest is booted, and must print a word on its serial port: the kernel of an
 * image where there is one, else a guest of one sector. (The sector alone is not proof enough: there
 * are hosts where it runs in kvm and every Linux hangs before its first word.)
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { LibvirtConnection } from './connection.js';
import type { DomainType } from './domain.js';
import { element, text } from './xml.js';

const WORD = 'BATCHYARD-GUEST-RUNS';
const KERNEL_WORD = 'Linux version';
const KERNEL_ARGUMENTS = 'console=ttyS0 earlyprintk=serial,ttyS0,115200 panic=-1';
const PROBE_TIMEOUT_MS = 10_000;
const POLL_MS = 50;
const SECTOR_BYTES = 512;

/** `why` is for people: what the probe saw. */
export interface DomainTypeFinding {
  type: DomainType;
  why: string;
}

/**
 * A boot sector that goes the way of a real guest as far as 64-bit code with paging, then writes the
 * word to the first serial port (0x3f8) and halts. Machine code by hand:
 *
 *   16 bit  cli; ds=es=ss=0; identity map the first 2 MiB at 0x1000 (PML4), 0x2000, 0x3000 (2 MiB page)
 *           CR4.PAE; CR3=0x1000; EFER.LME by wrmsr; CR0 |= PG|PE; far jump to the 64-bit segment
 *   64 bit  for each byte of the word: out 0x3f8; then hlt for ever
 */
function probeSector(): Buffer {
  const origin = 0x7c00;
  const gdt = 0xa0;
  const code64 = 0x80;
  const word = 0xc0;
  const sector = Buffer.alloc(SECTOR_BYTES);
  const put = (offset: number, hex: string) =>
    Buffer.from(hex.replace(/\s+/g, ''), 'hex').copy(sector, offset);
  const address = (offset: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(origin + offset);
    return bytes.toString('hex');
  };
  put(
    0,
    [
      'fa 31c0 8ed8 8ec0 8ed0 bc007c', // cli; xor ax,ax; mov ds,es,ss,ax; mov sp,0x7c00
      'bf0010 b90018 fc f3ab', // mov di,0x1000; mov cx,0x1800; cld; rep stosw: 12 KiB of zeros
      'c70600100320', // mov word [0x1000],0x2003
      'c70600200330', // mov word [0x2000],0x3003
      'c70600308300', // mov word [0x3000],0x0083: a page of 2 MiB
      '0f20e0 660d20000000 0f22e0', // mov eax,cr4; or eax,0x20; mov cr4,eax
      '66b800100000 0f22d8', // mov eax,0x1000; mov cr3,eax
      '66b9800000c0 0f32 660d00010000 0f30', // ecx=0xc0000080; rdmsr; or eax,0x100; wrmsr
      `0f0116${address(gdt + 24).slice(0, 4)}`, // lgdt [gdt pointer]
      '0f20c0 660d01000080 0f22c0', // mov eax,cr0; or eax,0x80000001; mov cr0,eax
      `66ea${address(code64)}0800`, // jmp dword 0x08:code64
    ].join(''),
  );
  put(
    code64,
    [
      `be${address(word)}`, // mov esi,word
      'ac 84c0 7408', // lodsb; test al,al; jz end
      '66baf803 ee ebf4', // mov dx,0x3f8; out dx,al; jmp lodsb
      '90 f4 ebfd', // end: nop; hlt; jmp hlt
    ].join(''),
  );
  // Null, 64-bit code, data; then limit and address for lgdt.
  put(gdt, `0000000000000000 0000000000 9a 20 00 0000000000 92 00 00 1700 ${address(gdt)}`);
  sector.write(`${WORD}\n`, word, 'latin1');
  put(510, '55aa');
  return sector;
}

/** The few small files of the guest, where QEMU can read them. */
export interface ProbeFiles {
  /** Resolves to the path as QEMU opens it. */
  write(name: string, content: Buffer): Promise<string>;
  /** The path of a file that QEMU writes. */
  log(name: string): Promise<string>;
  /** What it has written; nothing while there is no such file. */
  read(name: string): Promise<string>;
  remove(names: readonly string[]): Promise<void>;
}

/** In a folder of this machine. */
export const localProbeFiles = (folder: string): ProbeFiles => ({
  write: async (name, content) => {
    await writeFile(join(folder, name), content, { mode: 0o644 });
    return join(folder, name);
  },
  log: (name) => Promise.resolve(join(folder, name)),
  read: (name) => consoleText(join(folder, name)),
  remove: async (names) => {
    for (const name of names) await rm(join(folder, name), { force: true });
  },
});

export interface ProbeGuest {
  files: ProbeFiles;
  /** A Linux kernel that QEMU can read; without it the one-sector guest is booted. */
  kernel?: string | undefined;
}

/** Boots the guest with a domain type. Resolves to undefined if it ran, else to what was seen instead. */
export async function probe(
  connection: LibvirtConnection,
  type: DomainType,
  { files, kernel }: ProbeGuest,
  timeoutMs = PROBE_TIMEOUT_MS,
): Promise<string | undefined> {
  const name = `batchyard-probe-${randomBytes(6).toString('hex')}`;
  const [image, console] = [`${name}.img`, `${name}.log`];
  // One cylinder: the BIOS wants to see a disk, not a sector.
  const sectors = Buffer.concat([probeSector(), Buffer.alloc(63 * SECTOR_BYTES)]);
  const word = kernel === undefined ? WORD : KERNEL_WORD;
  try {
    // Outside of what is tried: a full disk says nothing about kvm.
    const [disk, log] = [await files.write(image, sectors), await files.log(console)];
    const xml = probeXml({ name, type, disk, log, kernel });
    const seen = await boot(connection, { name, xml, timeoutMs }, async () =>
      (await files.read(console)).includes(word),
    );
    const guest = kernel === undefined ? 'a guest of one sector' : 'a Linux kernel';
    return seen === 'nothing'
      ? `${guest} in a domain of type ${type} printed nothing within ${String(timeoutMs / 1000)} s`
      : seen;
  } finally {
    await connection.destroy(name);
    await files.remove([image, console]);
  }
}

/** Undefined: it was seen to run. */
async function boot(
  connection: LibvirtConnection,
  { name, xml, timeoutMs }: { name: string; xml: string; timeoutMs: number },
  runs: () => Promise<boolean>,
): Promise<string | undefined> {
  try {
    const deadline = Date.now() + timeoutMs;
    await connection.create(name, xml);
    while (Date.now() < deadline) {
      if (await runs()) return undefined;
      await delay(POLL_MS);
    }
    return 'nothing';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * kvm where a guest really runs in it, else qemu. Kept in a file per hypervisor for as long as the host
 * is up: a new kernel, new modules or new rights need a boot or `rm` of that file to be seen.
 */
export async function findDomainType(
  connection: LibvirtConnection,
  guest: ProbeGuest,
  recordFile: string,
): Promise<DomainTypeFinding> {
  const boot = await hostBoot();
  const known = await readRecord(recordFile);
  if (known !== undefined && known.boot === boot && known.uri === connection.uri) return known;
  const finding = await find(connection, guest);
  await mkdir(dirname(recordFile), { recursive: true });
  await writeFile(recordFile, JSON.stringify({ ...finding, uri: connection.uri, boot }));
  return finding;
}

async function find(connection: LibvirtConnection, guest: ProbeGuest): Promise<DomainTypeFinding> {
  const remote = !/^qemu:\/\/\//.test(connection.uri);
  if (!remote && !existsSync('/dev/kvm'))
    return { type: 'qemu', why: 'this machine has no /dev/kvm' };
  const seen = await probe(connection, 'kvm', guest);
  if (seen === undefined) return { type: 'kvm', why: 'a guest ran in kvm' };
  return { type: 'qemu', why: `kvm does not work: ${seen}` };
}

interface ProbeDomain {
  name: string;
  type: DomainType;
  disk: string;
  log: string;
  kernel: string | undefined;
}

function probeXml({ name, type, disk, log, kernel }: ProbeDomain): string {
  return element(
    'domain',
    { type },
    element('name', {}, text(name)),
    element('memory', { unit: 'MiB' }, '256'),
    element('vcpu', {}, '1'),
    element(
      'os',
      {},
      element('type', { arch: 'x86_64', machine: 'pc' }, 'hvm'),
      ...(kernel === undefined
        ? [element('boot', { dev: 'hd' })]
        : [element('kernel', {}, text(kernel)), element('cmdline', {}, KERNEL_ARGUMENTS)]),
    ),
    element('on_reboot', {}, 'destroy'),
    element(
      'devices',
      {},
      element(
        'disk',
        { type: 'file', device: 'disk' },
        element('driver', { name: 'qemu', type: 'raw' }),
        element('source', { file: disk }),
        element('target', { dev: 'hda', bus: 'ide' }),
      ),
      element(
        'serial',
        { type: 'file' },
        element('source', { path: log }),
        element('target', { port: 0 }),
      ),
      element('memballoon', { model: 'none' }),
      element('controller', { type: 'usb', model: 'none' }),
    ),
  );
}

async function consoleText(file: string): Promise<string> {
  try {
    return await readFile(file, 'latin1');
  } catch {
    // Not there yet, or not for us to read: no word seen.
    return '';
  }
}

async function hostBoot(): Promise<string> {
  try {
    return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  } catch {
    // Not Linux: the record then lasts until it is removed.
    return 'unknown';
  }
}

async function readRecord(
  file: string,
): Promise<(DomainTypeFinding & { uri: string; boot: string }) | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as DomainTypeFinding & {
      uri: string;
      boot: string;
    };
  } catch {
    // None, or broken: it is found out anew.
    return undefined;
  }
}
