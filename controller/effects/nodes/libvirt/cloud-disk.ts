import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostFiles } from './host-files.js';
import { runProgram } from './program.js';

/**
 * `bootcmd` runs at every boot, long before the rest: a reboot starts the agent again. Until the boot is over
 * the agent goes before everything that cloud-init still has to do.
 */
const START = `set -e
disk=/run/batchyard/disk
mkdir -p "$disk" /mnt/batch
modprobe -q -a isofs qemu_fw_cfg || true
mountpoint -q "$disk" || mount -t iso9660 -o ro LABEL=BATCHYARD "$disk"
survivor=
if [ -e "$disk/survivor.pl" ] && [ -x /usr/bin/perl ]; then survivor="/usr/bin/perl $disk/survivor.pl"; fi
systemd-run --no-block --unit=batchyard-agent -p DefaultDependencies=no -p Restart=always -p RestartSec=1 \
  -p StartupCPUWeight=10000 -p TasksMax=infinity -p LimitNOFILE=524288 -p StandardOutput=journal+console -p StandardError=journal+console \
  --setenv=HOME=/root --setenv=LANG=C.UTF-8 --setenv=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  $survivor "$disk/node" "$disk/agent.mjs"
`;

/** What else cloud-init would do at a node's first boot, while the agent starts, and nobody needs. */
const LESS = {
  ssh_genkeytypes: ['ed25519'],
  ssh: { emit_keys_to_console: false },
  no_ssh_fingerprints: true,
  apt: { preserve_sources_list: true },
  preserve_hostname: true,
  // The image's own stay: it takes seconds to find that out. A word, as cloud-init's schema wants it.
  locale: 'false',
  grub_dpkg: { enabled: false },
};

const FILES = {
  // One for all: every node has a disk of its own, and so is a new instance at its first boot.
  // `dsmode: local`: nothing of it needs the network, so the agent starts while that comes up.
  'meta-data': 'instance-id: batchyard\ndsmode: local\n',
  'user-data': `#cloud-config\n${JSON.stringify({ bootcmd: [['sh', '-c', START]], ...LESS })}\n`,
};

/**
 * The NoCloud disk (label `cidata`) of images that nothing was added to: cloud-init reads from it what
 * starts the agent from the agent's disk. The same for all nodes, and without any secret.
 */
export async function cloudDisk(files: HostFiles): Promise<string> {
  const content = JSON.stringify(FILES);
  const name = `cidata-${createHash('sha256').update(content).digest('hex').slice(0, 16)}.iso`;
  const target = files.shared(name);
  if (existsSync(target)) return target;
  const work = await files.workFolder(`building-cidata-${String(process.pid)}`);
  try {
    const tree = join(work, 'tree');
    await mkdir(tree);
    for (const [file, text] of Object.entries(FILES)) await writeFile(join(tree, file), text);
    const iso = join(work, name);
    await runProgram('genisoimage', ['-quiet', '-J', '-R', '-V', 'cidata', '-o', iso, tree], {
      debianPackage: 'genisoimage',
      timeoutMs: 60_000,
    });
    await chmod(iso, 0o644);
    await rename(iso, target);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return target;
}
