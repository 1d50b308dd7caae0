// The initial RAM disk of the built image: one static program, the modules that a node needs to reach its
// disks and its network, and thirty lines of shell. Under emulation it takes a third of the time of one by
// initramfs-tools, which looks for all that a machine could be; ours is known.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Dependencies are found by modules.dep. */
const MODULES = [
  'virtio_pci', 'virtio_blk', 'ext4', 'crc32c_generic', 'virtio_net', 'isofs', 'qemu_fw_cfg', 'virtio_rng',
]; // prettier-ignore

/**
 * batchyard.ip=ADDRESS/BITS,GATEWAY,NAMESERVER of the kernel's command line: a network known beforehand,
 * which needs no DHCP.
 */
const INIT = `#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t devtmpfs dev /dev
$b mount -t tmpfs -o mode=755,nosuid,nodev run /run
while read module; do $b insmod /modules/$module 2>/dev/null; done < /modules/order
tries=0
until [ -b /dev/vda ] || [ $tries = 200 ]; do $b usleep 20000; tries=$((tries + 1)); done
$b mount -t ext4 -o rw /dev/vda /root || { echo "batchyard: the root disk can't be mounted"; $b poweroff -f; }
$b mkdir -p /run/batchyard/disk
$b mount -t iso9660 -o ro /dev/vdb /run/batchyard/disk 2>/dev/null
[ -e /run/batchyard/disk/agent.mjs ] || $b umount /run/batchyard/disk 2>/dev/null
$b ip link set lo up
for word in $($b cat /proc/cmdline); do
  case $word in batchyard.ip=*)
    set -- $(echo "\${word#*=}" | $b tr , ' ')
    $b ip address add "$1" dev eth0 && $b ip link set eth0 up && $b ip route add default via "$2"
    echo "nameserver $3" > /run/resolv.conf
  esac
done
for folder in proc sys dev run; do $b mount --move /$folder /root/$folder; done
exec $b switch_root /root /lib/systemd/systemd
`;

/** The archive, uncompressed: unpacking costs the guest more than its host's memory copy. */
export function makeInitrd(tree) {
  const root = join(tree, 'usr/lib/modules');
  const [version] = readdirSync(root);
  const order = loadOrder(readFileSync(join(root, version, 'modules.dep'), 'utf8'));
  const archive = new Archive();
  for (const folder of ['bin', 'proc', 'sys', 'dev', 'run', 'root', 'modules'])
    archive.folder(folder);
  archive.file('bin/busybox', 0o755, readFileSync(join(tree, 'usr/bin/busybox')));
  archive.file('init', 0o755, Buffer.from(INIT));
  const names = order.map((path) => path.split('/').at(-1));
  archive.file('modules/order', 0o644, Buffer.from(names.map((name) => `${name}\n`).join('')));
  for (const path of order)
    archive.file(
      `modules/${path.split('/').at(-1)}`,
      0o644,
      readFileSync(join(root, version, path)),
    );
  // The kernel opens it for the first program's output.
  archive.device('dev/console', 5, 1);
  return archive.end();
}

/** Paths of the wanted modules and what they need, each after what it needs; built-in ones have no path. */
function loadOrder(dependencies) {
  const needs = new Map();
  const paths = new Map();
  for (const line of dependencies.trim().split('\n')) {
    const [path, ...others] = line.split(/:? +|:$/).filter(Boolean);
    needs.set(path, others);
    paths.set(
      path
        .split('/')
        .at(-1)
        .replace(/\.ko.*$/, '')
        .replaceAll('-', '_'),
      path,
    );
  }
  const order = [];
  const visit = (path) => {
    if (order.includes(path)) return;
    // modules.dep names the nearest need first and the farthest last.
    for (const other of (needs.get(path) ?? []).toReversed()) visit(other);
    order.push(path);
  };
  for (const name of MODULES) if (paths.has(name)) visit(paths.get(name));
  return order;
}

/** cpio in its "new ASCII" form, as the kernel reads it. */
class Archive {
  parts = [];
  inode = 1;

  folder(name) {
    this.entry(name, 0o40755, Buffer.alloc(0));
  }
  file(name, mode, content) {
    this.entry(name, 0o100000 | mode, content);
  }
  device(name, major, minor) {
    this.entry(name, 0o20600, Buffer.alloc(0), major, minor);
  }
  end() {
    this.entry('TRAILER!!!', 0, Buffer.alloc(0));
    return Buffer.concat(this.parts);
  }

  entry(name, mode, content, major = 0, minor = 0) {
    const fields = [
      this.inode++,
      mode,
      0,
      0,
      1,
      0,
      content.length,
      0,
      0,
      major,
      minor,
      name.length + 1,
      0,
    ];
    const head = Buffer.from(
      `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${name}\0`,
      'latin1',
    );
    this.parts.push(padded(head), padded(content));
  }
}

const padded = (bytes) => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
