// A stand-in for the ready-made cloud images of distributions, made of the same packages: cloud-init, a
// stock initial RAM disk, a partition table and a boot loader. Nothing in it knows of Batchyard: what starts
// the agent is the NoCloud disk that a node's domain has.
import { chmodSync, closeSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export const IMAGE_NAMES = {
  publisher: 'debian',
  offer: 'debian-12',
  sku: '12-cloud',
  version: 'latest',
};

export const PACKAGES = [
  'linux-image-cloud-amd64', 'initramfs-tools', 'systemd-sysv', 'udev', 'kmod', 'iproute2', 'procps', 'ca-certificates', 'dbus',
  'cloud-init', 'grub-pc-bin', 'libstdc++6', 'openssh-server', 'sudo',
]; // prettier-ignore

const KERNEL_ARGUMENTS = 'root=LABEL=root ro console=ttyS0';

export const FILES = {
  'etc/hostname': { text: 'debian\n' },
  'etc/hosts': { text: '127.0.0.1 localhost debian\n' },
  'etc/fstab': { text: 'LABEL=root / ext4 defaults 0 1\n' },
  'etc/machine-id': { text: '' },
  'boot/grub/grub.cfg': {
    text: `linux /vmlinuz ${KERNEL_ARGUMENTS}\ninitrd /initrd.img\nboot\n`,
  },
};

/** The boot loader's own file, made by the tree's GRUB. */
export const CORE_COMMAND = [
  'grub-mkimage', '-O', 'i386-pc', '-o', '/core.img', '-p', '(hd0,msdos1)/boot/grub',
  'biosdisk', 'part_msdos', 'ext2', 'linux', 'normal', 'boot',
]; // prettier-ignore

/** cloud-init writes the network's configuration for it; ready-made images have one such daemon enabled. */
export const ENABLE_COMMAND = ['systemctl', 'enable', 'systemd-networkd.service'];

const SECTOR = 512;
/** Where the one partition begins: the boot loader has the room in front of it. */
export const PARTITION_OFFSET = 2 ** 20;

/**
 * Partition table and boot loader in front of the file system of a raw disk. GRUB's boot.img loads core.img
 * from sector 1; the list of its further blocks, at the end of its first sector, says from where and how many.
 */
export function makeBootable(raw, tree) {
  const head = Buffer.alloc(PARTITION_OFFSET);
  const core = readFileSync(join(tree, 'core.img'));
  const sectors = Math.ceil(core.length / SECTOR);
  if (SECTOR + core.length > PARTITION_OFFSET)
    throw new Error('GRUB does not fit in front of the partition');
  readFileSync(join(tree, 'usr/lib/grub/i386-pc/boot.img')).copy(head, 0, 0, 440);
  core.copy(head, SECTOR);
  head.writeBigUInt64LE(2n, 2 * SECTOR - 12);
  head.writeUInt16LE(sectors - 1, 2 * SECTOR - 4);
  head.writeUInt16LE(0x820, 2 * SECTOR - 2);
  const partition = Buffer.alloc(16);
  partition[0] = 0x80;
  partition[4] = 0x83;
  partition.writeUInt32LE(PARTITION_OFFSET / SECTOR, 8);
  partition.writeUInt32LE((statSync(raw).size - PARTITION_OFFSET) / SECTOR, 12);
  partition.copy(head, 446);
  head.writeUInt16LE(0xaa55, 510);
  const file = openSync(raw, 'r+');
  writeSync(file, head, 0, head.length, 0);
  closeSync(file);
  chmodSync(raw, 0o644);
}
