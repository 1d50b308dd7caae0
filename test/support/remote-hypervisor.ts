import { execFileSync, spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './free-port.js';
import { programs, requirement } from './requirements.js';
import { waitFor } from './wait-for.js';

export type Transport = 'ssh' | 'tls';

/** The storage pool of the other machine, and the folder of its volumes: only the other machine has it. */
export const POOL = 'nodes';
const POOL_FOLDER = '/var/lib/libvirt/nodes-of-a-test';
const MIB = 1024 ** 2;

export const remoteRequirement = () =>
  requirement(
    'a hypervisor on another machine',
    () => {
      const found = programs('sshd', 'ssh', 'virt-ssh-helper', 'unshare', 'nsenter', 'openssl');
      if (found !== true) return found;
      return spawnSync('unshare', ['-m', 'true']).status === 0 || 'no mount namespaces';
    },
    'apt-get install -y --no-install-recommends openssh-server openssh-client openssl; run the tests as root, in a container with CAP_SYS_ADMIN',
  );

/**
 * What another machine is to a controller: a libvirtd that is reached by ssh or TLS only, with users, keys
 * and certificates of the test's own, and whose files nobody else sees: they lie in a mount namespace.
 */
export class RemoteHypervisor {
  private readonly running = new Map<string, ChildProcess>();

  private constructor(
    private readonly folder: string,
    readonly uri: string,
  ) {}

  /** @param poolMiB the size of the file system of its storage pool */
  static async start(
    folder: string,
    transport: Transport,
    poolMiB: number,
  ): Promise<RemoteHypervisor> {
    const at = (name: string) => join(folder, name);
    for (const name of ['libvirt', 'etc', 'cache', 'log', 'pki'])
      mkdirSync(at(name), { recursive: true });
    // QEMU's user has to pass the folders that lie over libvirt's.
    chmodSync(at('libvirt'), 0o711);
    const port = await freePort();
    const remote = new RemoteHypervisor(
      folder,
      transport === 'ssh' ? prepareSsh(folder, port) : prepareTls(folder, port),
    );
    const qemu = ['stdio_handler = "file"', 'user = "libvirt-qemu"', 'group = "kvm"'];
    writeFileSync(at('etc/qemu.conf'), qemu.join('\n'));
    await remote.startMachine(poolMiB);
    if (transport === 'ssh')
      remote.spawnInside('sshd', ['/usr/sbin/sshd', '-D', '-f', at('sshd_config')]);
    await remote.startLibvirtd();
    remote.virsh('pool-define-as', POOL, 'dir', '--target', POOL_FOLDER);
    remote.virsh('pool-start', POOL);
    return remote;
  }

  /** (Again, on the same folders: its domains have gone on meanwhile.) */
  async startLibvirtd(): Promise<void> {
    const file = join(this.folder, 'libvirtd.conf');
    this.spawnInside('libvirtd', ['tini', '-s', '--', 'libvirtd', '-l', '-f', file]);
    await waitFor('the libvirtd of the other machine to answer', () => this.answers(), {
      timeoutMs: 60_000,
      intervalMs: 100,
    });
  }

  /** Without a word to those who are connected. */
  async killLibvirtd(): Promise<void> {
    const reaper = this.running.get('libvirtd')?.pid ?? 0;
    const told = readFileSync(`/proc/${String(reaper)}/task/${String(reaper)}/children`, 'utf8');
    for (const pid of told.split(' ').filter(Boolean)) {
      // The reaper has QEMU's probes below it, too.
      if (readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'libvirtd')
        process.kill(Number(pid), 'SIGKILL');
    }
    await this.ended('libvirtd');
  }

  virsh(...args: string[]): string {
    return execFileSync('virsh', ['-q', '-c', this.uri, ...args], {
      encoding: 'utf8',
      timeout: 60_000,
    });
  }

  /** Names of the domains that run, with the id that libvirt gave each: another start has another id. */
  domains(): string[] {
    return lines(this.virsh('list', '--id', '--name')).map((line) => line.replace(/\s+/g, ' '));
  }

  /** What is in the folder of the pool, as the other machine sees it: with the bytes that each file takes there. */
  files(): Map<string, number> {
    const told = this.inside('find', POOL_FOLDER, '-type', 'f', '-printf', '%f %b\n');
    return new Map(
      lines(told).map((line) => {
        const [name = '', blocks = '0'] = line.split(' ');
        return [name, Number(blocks) * 512];
      }),
    );
  }

  /** Takes all room but so much; what other files are there already. */
  fill(leaveMiB: number): void {
    const told = this.inside('df', '--output=avail', '-B', '1', POOL_FOLDER);
    const bytes = Number(lines(told).at(-1)) - leaveMiB * MIB;
    this.inside('fallocate', '-l', String(bytes), join(POOL_FOLDER, 'filler'));
  }

  makeRoom(): void {
    this.inside('rm', join(POOL_FOLDER, 'filler'));
  }

  get poolFolder(): string {
    return POOL_FOLDER;
  }

  async stop(): Promise<void> {
    if (!this.answers()) await this.startLibvirtd();
    for (const domain of this.domains())
      spawnSync('virsh', ['-c', this.uri, 'destroy', domain.split(' ')[1] ?? '']);
    await this.killLibvirtd();
    for (const name of ['sshd', 'machine']) {
      this.running.get(name)?.kill('SIGKILL');
      await this.ended(name);
    }
  }

  private answers(): boolean {
    return spawnSync('virsh', ['-c', this.uri, 'uri'], { timeout: 20_000 }).status === 0;
  }

  /** A process that does nothing but have the mounts: they go when the last process in there ends. */
  private async startMachine(poolMiB: number): Promise<void> {
    const over = (name: string, path: string) => `mount --bind ${join(this.folder, name)} ${path}`;
    const script = [
      'mount --make-rprivate /',
      'mount -t tmpfs -o mode=755 tmpfs /run',
      'mkdir -p /run/sshd /run/libvirt',
      over('libvirt', '/var/lib/libvirt'),
      over('etc', '/etc/libvirt'),
      over('cache', '/var/cache/libvirt'),
      over('log', '/var/log/libvirt'),
      `mkdir -p ${POOL_FOLDER}`,
      `mount -t tmpfs -o mode=711,size=${String(poolMiB)}m tmpfs ${POOL_FOLDER}`,
      'echo ready',
      'exec sleep infinity',
    ];
    const child = spawn('unshare', ['-m', 'sh', '-c', script.join(' && ')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.running.set('machine', child);
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    await waitFor('the mounts of the other machine', () => said.includes('ready'));
  }

  private inside(...command: string[]): string {
    return execFileSync('nsenter', [...this.place, ...command], { encoding: 'utf8' });
  }

  private spawnInside(name: string, command: readonly string[]): void {
    const child = spawn('nsenter', [...this.place, ...command], { stdio: 'ignore' });
    this.running.set(name, child);
  }

  private get place(): string[] {
    return ['-t', String(this.running.get('machine')?.pid), '-m', '--'];
  }

  private async ended(name: string): Promise<void> {
    const child = this.running.get(name);
    if (child === undefined) return;
    await waitFor(`${name} to end`, () => child.exitCode !== null || child.signalCode !== null);
    this.running.delete(name);
  }
}

const lines = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);

/** An sshd that lets in one key, and a client that knows it by its host key alone. */
function prepareSsh(folder: string, port: number): string {
  const at = (name: string) => join(folder, name);
  for (const key of ['host', 'user'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at(key)]);
  const server = [
    ...[`Port ${String(port)}`, 'ListenAddress 127.0.0.1', `HostKey ${at('host')}`],
    ...[`AuthorizedKeysFile ${at('authorized_keys')}`, 'StrictModes no', 'PidFile none'],
    ...['PasswordAuthentication no', 'KbdInteractiveAuthentication no', 'UsePAM no'],
    'PermitRootLogin prohibit-password',
  ];
  writeFileSync(at('sshd_config'), server.join('\n'));
  // As docs/libvirt.md advises: the key opens libvirt, and no shell.
  const only = 'restrict,command="virt-ssh-helper qemu:///system"';
  writeFileSync(at('authorized_keys'), `${only} ${readFileSync(at('user.pub'), 'utf8')}`);
  const host = readFileSync(at('host.pub'), 'utf8');
  writeFileSync(at('known_hosts'), `[127.0.0.1]:${String(port)} ${host}`);
  writeFileSync(at('ssh'), `#!/bin/sh\nexec ssh -o UserKnownHostsFile=${at('known_hosts')} "$@"\n`);
  chmodSync(at('ssh'), 0o700);
  writeFileSync(at('libvirtd.conf'), 'listen_tls = 0\nlisten_tcp = 0\nauth_unix_rw = "none"\n');
  return `qemu+ssh://root@127.0.0.1:${String(port)}/system?keyfile=${at('user')}&command=${at('ssh')}`;
}

/** A certificate for each side by an authority of the test's own; the server lets in one name. */
function prepareTls(folder: string, port: number): string {
  const at = (name: string) => join(folder, 'pki', name);
  const make = (name: string, subject: string, extensions: readonly string[], ca = false) => {
    const files = ['-keyout', at(`${name}key.pem`), '-out', at(`${name}cert.pem`)];
    const signer = ca ? [] : ['-CA', at('cacert.pem'), '-CAkey', at('cakey.pem')];
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', subject],
        ...[...files, ...signer, ...extensions.flatMap((one) => ['-addext', one])],
      ],
      { stdio: 'ignore' },
    );
  };
  const usage = 'keyUsage=critical,digitalSignature,keyEncipherment';
  make('ca', '/CN=of the test', ['keyUsage=critical,keyCertSign'], true);
  make('server', '/CN=hypervisor', [
    ...['basicConstraints=critical,CA:FALSE', usage],
    ...['extendedKeyUsage=serverAuth', 'subjectAltName=IP:127.0.0.1'],
  ]);
  make('client', '/CN=controller', [
    ...['basicConstraints=critical,CA:FALSE', usage, 'extendedKeyUsage=clientAuth'],
  ]);
  writeFileSync(
    join(folder, 'libvirtd.conf'),
    [
      ...['listen_tls = 1', 'listen_tcp = 0', 'listen_addr = "127.0.0.1"', 'auth_tls = "none"'],
      ...[`tls_port = "${String(port)}"`, `ca_file = "${at('cacert.pem')}"`],
      ...[`key_file = "${at('serverkey.pem')}"`, `cert_file = "${at('servercert.pem')}"`],
      ...['tls_allowed_dn_list = ["CN=controller"]', 'auth_unix_rw = "none"'],
    ].join('\n'),
  );
  return `qemu+tls://127.0.0.1:${String(port)}/system?pkipath=${join(folder, 'pki')}`;
}
