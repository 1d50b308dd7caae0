/** What a domain has beside its disk and its network: data disks, and devices of the host. */
import { chmod, rm } from 'node:fs/promises';
import { exists } from './folders.js';
import { runProgram } from './program.js';
import { element } from './xml.js';

const QEMU_IMG = { debianPackage: 'qemu-utils', timeoutMs: 60_000 };
/** `vda` is the node's disk, `vdb` the agent's. */
const FIRST_DATA_DISK = 2;

export interface DataDisk {
  lun: number;
  sizeGiB: number;
}

/** The file of a data disk, beside the node's own: `…disk.qcow2` has `…data-1.qcow2`. */
const dataDiskFile = (disk: string, { lun }: DataDisk): string =>
  disk.replace(/[^/.]*\.qcow2$/, `data-${String(lun)}.qcow2`);

/** Makes those that are not there yet: a kept disk stays with what is on it. */
export async function makeDataDisks(disk: string, dataDisks: readonly DataDisk[]): Promise<void> {
  for (const one of dataDisks) {
    const file = dataDiskFile(disk, one);
    if (await exists(file)) continue;
    await runProgram(
      'qemu-img',
      ['create', '-q', '-f', 'qcow2', file, `${String(one.sizeGiB)}G`],
      QEMU_IMG,
    );
    await chmod(file, 0o600);
  }
}

/** A node with a new disk gets new data disks too. */
export async function removeDataDisks(disk: string, dataDisks: readonly DataDisk[]): Promise<void> {
  for (const one of dataDisks) await rm(dataDiskFile(disk, one), { force: true });
}

/** Disks in the order of their units: the guest sees `vdc`, `vdd` …, each with its unit as serial number. */
export const dataDiskXml = (disk: string, dataDisks: readonly DataDisk[]): string[] =>
  dataDisks.map((one, n) =>
    element(
      'disk',
      { type: 'file', device: 'disk' },
      element('driver', { name: 'qemu', type: 'qcow2', cache: 'unsafe', discard: 'unmap' }),
      element('source', { file: dataDiskFile(disk, one) }),
      element('target', { dev: deviceName(FIRST_DATA_DISK + n), bus: 'virtio' }),
      element('serial', {}, `lun-${String(one.lun)}`),
    ),
  );

/** 0: vda, 25: vdz, 26: vdaa. */
function deviceName(n: number): string {
  const letter = (at: number) => String.fromCharCode(97 + at);
  return `vd${n < 26 ? '' : letter(Math.floor(n / 26) - 1)}${letter(n % 26)}`;
}

/** PCI devices that libvirt takes from the host while the domain runs. @param addresses such as 0000:3b:00.0 */
export const hostDeviceXml = (addresses: readonly string[]): string[] =>
  addresses.map((address) => {
    const [domain = '', bus = '', slot = '', pciFunction = ''] = address.split(/[:.]/);
    const at = {
      domain: `0x${domain}`,
      bus: `0x${bus}`,
      slot: `0x${slot}`,
      function: `0x${pciFunction}`,
    };
    return element(
      'hostdev',
      { mode: 'subsystem', type: 'pci', managed: 'yes' },
      element('source', {}, element('address', at)),
    );
  });
