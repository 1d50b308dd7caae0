// What the guest of the small Debian 12 image is made of: packages, files and units that are kept from
// starting. All data: any change here changes the recipe's hash, and so makes a new image.

export const SUITE = 'bookworm';
export const IMAGE_NAMES = {
  publisher: 'batchyard',
  offer: 'debian',
  sku: '12',
  version: 'latest',
};
export const NODE_AGENT_SKU_ID = 'batch.node.debian 12';

/** busybox-static: the initial RAM disk. openssh-server, nftables, sudo: users of nodes and who may reach them. openssl: tasks open what was encrypted for their certificates. libstdc++6: the Node binary of the agent disk. */
export const PACKAGES = [
  'linux-image-cloud-amd64',
  'initramfs-tools',
  'systemd-sysv',
  'udev',
  'kmod',
  'iproute2',
  'procps',
  'ca-certificates',
  'openssl',
  'libstdc++6',
  'busybox-static',
  'openssh-server',
  'nftables',
  'sudo',
];

/** Left out while packages are unpacked: nobody reads them on a node. */
export const EXCLUDED_PATHS = [
  '/usr/share/man/*',
  '/usr/share/info/*',
  '/usr/share/doc/*',
  '/usr/share/locale/*',
];

/** Enough for every VM size; a node's disk is larger, and the file system grows to it after the agent's start. */
export const FILE_SYSTEM_MIB = 3072;

/**
 * What the agent would make on every node before anything runs there (agent/node/account-users.ts), with the
 * numbers that its seed grants: seven programs less at each boot and after each resumption.
 */
const FIRST_NUMBER = 0x7000_0000;
export const ACCOUNT_COMMANDS = [
  ...['_azbatchgrp', '_azbatchstart', '_azbatchtask', '_azbatchremote', '_azbatch'].map((name, at) => [
    'groupadd', '--gid', String(FIRST_NUMBER + at), name,
  ]),
  [
    'useradd', '--uid', String(FIRST_NUMBER + 4), '--gid', String(FIRST_NUMBER + 4), '--create-home',
    '--shell', '/bin/bash', '--no-log-init', '-K', 'SUB_UID_COUNT=0', '-K', 'SUB_GID_COUNT=0', '-K', 'HOME_MODE=0700', '--', '_azbatch',
  ],
]; // prettier-ignore

/** Each costs boot time and does nothing for a node. */
export const MASKED_UNITS = [
  'getty.target', 'getty@.service', 'serial-getty@.service', 'console-getty.service', 'container-getty@.service', 'getty-static.service',
  'systemd-logind.service', 'systemd-user-sessions.service', 'user@.service', 'systemd-update-utmp.service', 'systemd-update-utmp-runlevel.service',
  'modprobe@.service', 'systemd-modules-load.service', 'kmod-static-nodes.service',
  'systemd-journal-flush.service', 'systemd-journald-audit.socket', 'systemd-journal-catalog-update.service',
  'sys-kernel-debug.mount', 'sys-kernel-tracing.mount', 'sys-kernel-config.mount', 'sys-fs-fuse-connections.mount',
  'dev-hugepages.mount', 'dev-mqueue.mount', 'proc-sys-fs-binfmt_misc.automount', 'proc-sys-fs-binfmt_misc.mount', 'systemd-binfmt.service',
  'systemd-firstboot.service', 'systemd-machine-id-commit.service', 'systemd-hwdb-update.service', 'systemd-sysusers.service',
  'systemd-update-done.service', 'ldconfig.service', 'systemd-boot-system-token.service', 'systemd-pstore.service', 'systemd-random-seed.service',
  'systemd-networkd-wait-online.service', 'systemd-network-generator.service', 'systemd-initctl.socket',
  'systemd-ask-password-console.path', 'systemd-ask-password-wall.path', 'systemd-rfkill.socket',
  'apt-daily.timer', 'apt-daily-upgrade.timer', 'dpkg-db-backup.timer', 'e2scrub_all.timer', 'e2scrub_reap.service', 'fstrim.timer',
  'systemd-tmpfiles-clean.timer', 'remote-fs.target', 'systemd-sysctl.service',
  'systemd-remount-fs.service', 'systemd-fsck-root.service', 'nftables.service', 'apparmor.service',
  'systemd-pcrphase.service', 'systemd-pcrphase-sysinit.service', 'systemd-repart.service', 'rc-local.service',
]; // prettier-ignore

/** Programs that look for units to add at each start; there are none to find. */
export const MASKED_GENERATORS = [
  'systemd-bless-boot-generator', 'systemd-cryptsetup-generator', 'systemd-debug-generator', 'systemd-fstab-generator',
  'systemd-getty-generator', 'systemd-gpt-auto-generator', 'systemd-hibernate-resume-generator', 'systemd-integritysetup-generator',
  'systemd-rc-local-generator', 'systemd-run-generator', 'systemd-system-update-generator', 'systemd-sysv-generator',
  'systemd-veritysetup-generator',
]; // prettier-ignore

/**
 * The first of all units: it needs the root disk and the network that the initial RAM disk has brought up.
 * The agent reads its seed from the firmware configuration itself.
 */
const AGENT_UNIT = `[Unit]
Description=Batchyard node agent
DefaultDependencies=no
Conflicts=shutdown.target
Before=shutdown.target

[Service]
ExecStart=/usr/lib/batchyard/start-agent
Restart=always
RestartSec=1
StandardOutput=journal+console
StandardError=journal+console
TasksMax=infinity
LimitNOFILE=524288

[Install]
WantedBy=sysinit.target
`;

const START_AGENT = `#!/bin/sh
set -eu
disk=/run/batchyard/disk
[ -d /mnt/batch ] || mkdir -p /mnt/batch
if ! [ -e "$disk/agent.mjs" ]; then
  mkdir -p "$disk"
  modprobe -q -a isofs qemu_fw_cfg || true
  mount -t iso9660 -o ro LABEL=BATCHYARD "$disk"
fi
export HOME=/root LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
if [ -e "$disk/survivor.pl" ] && [ -x /usr/bin/perl ]; then
  exec /usr/bin/perl "$disk/survivor.pl" "$disk/node" "$disk/agent.mjs"
fi
exec "$disk/node" "$disk/agent.mjs"
`;

/** What is not needed for the agent's first word waits for its turn. */
const LATER = `[Service]
Nice=15
`;

/** The daemon for leases, where the initial RAM disk has not set the network up. */
const NETWORK_DAEMON = `[Unit]
ConditionKernelCommandLine=!batchyard.ip
`;

/** Keys of a node are made when somebody first calls: so no two nodes of one memory image share them. */
const SSH_KEYS = `[Service]
ExecStartPre=
ExecStartPre=/bin/sh -c '[ -e /etc/ssh/ssh_host_ed25519_key ] || exec /usr/bin/ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/ssh_host_ed25519_key'
ExecStartPre=/usr/sbin/sshd -t
`;

/** Name servers come with the address lease; there is no resolver daemon to hand them on. */
const WRITE_RESOLV_CONF = `#!/bin/sh
for lease in /run/systemd/netif/leases/*; do
  [ -e "$lease" ] || continue
  sed -n 's/^DNS=//p' "$lease" | tr ' ' '\\n' | sed 's/^/nameserver /'
done > /run/resolv.conf
`;

const RESOLV_PATH_UNIT = `[Unit]
DefaultDependencies=no
Description=Name servers of a new address lease
[Path]
PathChanged=/run/systemd/netif/leases
Unit=batchyard-resolv.service
`;
const RESOLV_UNIT = `[Unit]
DefaultDependencies=no
Description=Write the name servers of the address leases
[Service]
Type=oneshot
ExecStart=/usr/lib/batchyard/write-resolv-conf
`;

const GROW_UNIT = `[Unit]
Description=Grow the root file system to the node's disk
After=batchyard-agent.service multi-user.target
[Service]
Type=oneshot
Nice=15
ExecStart=/lib/systemd/systemd-growfs /
[Install]
WantedBy=multi-user.target
`;

const UNUSED_MODULES = [
  'ata_piix',
  'ata_generic',
  'pata_acpi',
  'kvm',
  'kvm_amd',
  'kvm_intel',
  'powernow_k8',
  'psmouse',
  'pcspkr',
  'i2c_piix4',
  'floppy',
  'evdev',
];

/** Before packages are configured, so that the initrd is made once, and small. */
export const EARLY_FILES = {
  'etc/initramfs-tools/conf.d/batchyard': { text: 'MODULES=list\nBUSYBOX=n\n' },
  'usr/share/initramfs-tools/modules.d/batchyard': {
    text: 'virtio_pci\nvirtio_blk\next4\ncrc32c_generic\n',
  },
};

export const FILES = {
  'etc/hostname': { text: 'batchyard-node\n' },
  'etc/hosts': { text: '127.0.0.1 localhost batchyard-node\n::1 localhost\n' },
  'etc/fstab': { text: '' },
  'etc/machine-id': { text: '' },
  'etc/systemd/network/50-ethernet.network': {
    text: '[Match]\nType=ether\n[Network]\nDHCP=ipv4\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n[DHCPv4]\nUseDomains=no\nClientIdentifier=mac\n',
  },
  'etc/systemd/journald.conf.d/batchyard.conf': {
    text: '[Journal]\nStorage=volatile\nRuntimeMaxUse=16M\nForwardToConsole=no\n',
  },
  'etc/systemd/system.conf.d/batchyard.conf': {
    text: '[Manager]\nShowStatus=no\nDefaultTimeoutStopSec=5s\n',
  },
  // For images with Podman: systemd would be asked for control groups over D-Bus, which is not there.
  'etc/containers/containers.conf.d/batchyard.conf': {
    text: '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "none"\n',
  },
  // What udev would load for the emulated board and never use.
  'etc/modprobe.d/batchyard.conf': {
    text: UNUSED_MODULES.map((name) => `blacklist ${name}\n`).join(''),
  },
  'etc/systemd/system/batchyard-agent.service': { text: AGENT_UNIT },
  'etc/systemd/system/batchyard-grow.service': { text: GROW_UNIT },
  'etc/systemd/system/batchyard-resolv.service': { text: RESOLV_UNIT },
  // It forbids logins until systemd-user-sessions, which is masked, allows them.
  'etc/tmpfiles.d/systemd-nologin.conf': { text: '' },
  'etc/systemd/system/systemd-udevd.service.d/batchyard.conf': { text: LATER },
  'etc/systemd/system/systemd-journald.service.d/batchyard.conf': { text: LATER },
  'etc/systemd/system/systemd-networkd.service.d/batchyard.conf': { text: NETWORK_DAEMON },
  'etc/systemd/system/systemd-networkd.socket.d/batchyard.conf': { text: NETWORK_DAEMON },
  'etc/systemd/system/batchyard-resolv.path.d/batchyard.conf': { text: NETWORK_DAEMON },
  'etc/systemd/system/ssh.service.d/batchyard.conf': { text: SSH_KEYS },
  'etc/ssh/sshd_config.d/batchyard.conf': {
    text: 'HostKey /etc/ssh/ssh_host_ed25519_key\nPermitRootLogin no\nUsePAM yes\nX11Forwarding no\nUseDNS no\nAcceptEnv LANG LC_*\n',
  },
  'etc/systemd/system/batchyard-resolv.path': { text: RESOLV_PATH_UNIT },
  'usr/lib/batchyard/start-agent': { text: START_AGENT, mode: 0o755 },
  'usr/lib/batchyard/write-resolv-conf': { text: WRITE_RESOLV_CONF, mode: 0o755 },
};

/** `enabled in target`: where a unit's symlink goes. */
export const WANTED_BY = {
  'systemd-networkd.service': 'sysinit.target',
  'batchyard-agent.service': 'sysinit.target',
  'batchyard-resolv.path': 'sysinit.target',
  'batchyard-grow.service': 'multi-user.target',
  'ssh.socket': 'sockets.target',
};

/** Emptied before the file system is made. */
export const CLEANED = [
  'var/lib/apt/lists',
  'var/cache/apt',
  'var/cache/debconf',
  'var/log',
  'boot',
  'tmp',
  'run',
];
/** Enabled by their packages; ssh is started by its socket. */
export const DISABLED = ['multi-user.target.wants/ssh.service', 'sshd.service'];

/** Made by the packages, and made anew by every node for itself. */
export const REMOVED = /^ssh_host_/;

export const KERNEL_ARGUMENTS = [
  'root=/dev/vda rw console=ttyS0 quiet net.ifnames=0 mitigations=off',
  // Self-tests, audits and drivers for boards that this one is not.
  'cryptomgr.notests audit=0 apparmor=0 8250.nr_uarts=1 i8042.noaux i8042.nopnp no_timer_check tsc=reliable nowatchdog',
].join(' ');
