import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { programs, requirement } from './requirements.js';
import { tempDirectory } from './temp-dir.js';
import { waitFor } from './wait-for.js';

/** A Docker of one's own can be started only by root. */
export const dockerRequirement = () =>
  requirement(
    'Docker',
    () =>
      process.getuid?.() === 0
        ? programs('docker', 'dockerd', 'busybox')
        : 'this is not root, who alone can start a dockerd',
    'apt-get install -y --no-install-recommends docker.io busybox-static',
  );

/**
 * A dockerd of the test alone: without networks, rules of the firewall or anything of the machine's own
 * Docker. Its folder and its mounts go with it.
 */
export class StartedDockerd {
  private constructor(
    readonly folder: { path: string; remove: () => void },
    private readonly child: ChildProcess,
  ) {}

  static async start(): Promise<StartedDockerd> {
    const folder = tempDirectory('docker');
    const at = (name: string) => join(folder.path, name);
    // Not the machine's.
    writeFileSync(at('settings.json'), '{}');
    const log = openSync(at('log'), 'a', 0o600);
    const places = ['--data-root', at('data'), '--exec-root', at('exec'), '--pidfile', at('pid')];
    const network = [
      '--bridge=none',
      '--iptables=false',
      '--ip6tables=false',
      '--ip-forward=false',
    ];
    const words = [...places, ...network, '--userland-proxy=false', '--host', `unix://${at('s')}`];
    const child = spawn('dockerd', [...words, '--config-file', at('settings.json')], {
      stdio: ['ignore', log, log],
      env: { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` },
    });
    closeSync(log);
    const started = new StartedDockerd(folder, child);
    await waitFor(
      'dockerd to answer',
      () => {
        if (child.exitCode !== null) throw new Error(readFileSync(at('log'), 'utf8'));
        return spawnSync('docker', ['version'], { env: started.environment }).status === 0;
      },
      { timeoutMs: 30_000 },
    );
    return started;
  }

  readonly program = 'docker';

  /** For whoever calls this engine. */
  get environment(): Record<string, string> {
    return {
      PATH: process.env.PATH ?? '',
      HOME: this.folder.path,
      // What Debian's docker has without further packages.
      DOCKER_BUILDKIT: '0',
      DOCKER_HOST: `unix://${join(this.folder.path, 's')}`,
    };
  }

  /** Calls docker and answers with what it said; throws where it fails. */
  call(...words: string[]): string {
    return execFileSync('docker', words, {
      env: this.environment,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim();
  }

  /** Ends it with all its containers. */
  async stop(): Promise<void> {
    const left = this.call('ps', '--all', '--quiet')
      .split('\n')
      .filter((id) => id !== '');
    if (left.length > 0) this.call('rm', '--force', ...left);
    this.child.kill('SIGTERM');
    if (this.child.exitCode === null) await once(this.child, 'exit');
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[4] ?? '')
      .filter((place) => place.startsWith(`${this.folder.path}/`));
    for (const place of mounts.reverse()) spawnSync('umount', ['-l', place]);
    this.folder.remove();
  }
}
