import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './free-port.js';
import { waitFor } from './wait-for.js';

/**
 * A libvirtd of the test's own, apart from the machine's: its folders lie over libvirt's in a mount
 * namespace of its own, and it listens on a port of the loopback interface, as one on another machine would.
 */
export class SecondLibvirtd {
  private child: ChildProcess | undefined;

  private constructor(
    private readonly folder: string,
    readonly uri: string,
    private readonly before: readonly string[],
  ) {}

  /** @param before in front of its command: it then runs elsewhere, and its URI is that of a socket file */
  static async start(folder: string, before: readonly string[] = []): Promise<SecondLibvirtd> {
    for (const name of ['run', 'lib', 'etc', 'cache', 'log', 'sock'])
      mkdirSync(join(folder, name), { recursive: true });
    const port = await freePort();
    writeFileSync(
      join(folder, 'libvirtd.conf'),
      [
        'listen_tls = 0',
        'listen_tcp = 1',
        `tcp_port = "${String(port)}"`,
        'listen_addr = "127.0.0.1"',
        'auth_tcp = "none"',
        'auth_unix_ro = "none"',
        'auth_unix_rw = "none"',
        `unix_sock_dir = "${join(folder, 'sock')}"`,
      ].join('\n'),
    );
    const qemu = ['stdio_handler = "file"', 'user = "root"', 'group = "root"'];
    writeFileSync(join(folder, 'etc', 'qemu.conf'), qemu.join('\n'));
    const uri =
      before.length === 0
        ? `qemu+tcp://127.0.0.1:${String(port)}/system`
        : `qemu+unix:///system?socket=${join(folder, 'sock', 'libvirt-sock')}`;
    const libvirtd = new SecondLibvirtd(folder, uri, before);
    await libvirtd.resume();
    return libvirtd;
  }

  /** Starts it (again) on the same folders; its domains have gone on meanwhile. */
  async resume(): Promise<void> {
    const { folder } = this;
    const over = (name: string, path: string) => `mount --bind ${join(folder, name)} ${path}`;
    const script = [
      'mount --make-rprivate /',
      over('run', '/run/libvirt'),
      over('lib', '/var/lib/libvirt'),
      over('etc', '/etc/libvirt'),
      over('cache', '/var/cache/libvirt'),
      over('log', '/var/log/libvirt'),
      `exec tini -s -- libvirtd -l -f ${join(folder, 'libvirtd.conf')} -p ${this.pidFile}`,
    ];
    const command = [...this.before, 'unshare', '-m', 'sh', '-c', script.join(' && ')];
    this.child = spawn(command[0] ?? '', command.slice(1), { stdio: 'ignore' });
    await waitFor('the second libvirtd to answer', () => this.tryVirsh('uri') !== undefined, {
      timeoutMs: 30_000,
    });
  }

  /** As a machine that loses power looks from afar; its domains go on, since they are processes of their own. */
  async disappear(): Promise<void> {
    const { child } = this;
    process.kill(Number(readFileSync(this.pidFile, 'utf8')), 'SIGKILL');
    await waitFor(
      'the second libvirtd to end',
      () => child === undefined || child.exitCode !== null || child.signalCode !== null,
    );
  }

  virsh(...args: string[]): string {
    const said = this.tryVirsh(...args);
    if (said === undefined) throw new Error(`virsh -c ${this.uri} ${args.join(' ')} failed`);
    return said;
  }

  /** Names of the domains that run, with the id that libvirt gave each: another start has another id. */
  domains(): string[] {
    return this.virsh('list', '--id', '--name')
      .split('\n')
      .map((line) => line.trim().replace(/\s+/g, ' '))
      .filter(Boolean);
  }

  async stop(): Promise<void> {
    if (this.tryVirsh('uri') === undefined) await this.resume();
    for (const domain of this.domains()) this.tryVirsh('destroy', domain.split(' ')[1] ?? '');
    await this.disappear();
  }

  private get pidFile(): string {
    return join(this.folder, 'libvirtd.pid');
  }

  private tryVirsh(...args: string[]): string | undefined {
    const { status, stdout } = spawnSync('virsh', ['-c', this.uri, ...args], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    return status === 0 ? stdout : undefined;
  }
}
