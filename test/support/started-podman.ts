import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { programs, requirement } from './requirements.js';
import { tempDirectory } from './temp-dir.js';

/** Networks and cgroups of a machine are only root's to give. */
export const podmanRequirement = () =>
  requirement(
    'Podman',
    () =>
      process.getuid?.() === 0
        ? programs('podman', 'conmon', 'runc', 'busybox')
        : 'this is not root, whose Podman the tests set up',
    'apt-get install -y --no-install-recommends podman runc busybox-static',
  );

/** Podman with storage and settings of the test alone, which go with it; it has no daemon. */
export class StartedPodman {
  private constructor(readonly folder: { path: string; remove: () => void }) {}

  static start(): StartedPodman {
    const folder = tempDirectory('podman');
    const at = (name: string) => join(folder.path, name);
    const storage = { driver: 'vfs', graphroot: at('storage'), runroot: at('run') };
    writeFileSync(at('storage.conf'), `[storage]\n${settings(storage)}`);
    // No systemd, and limits that a process in a container of the machine may set, too.
    const engine = { cgroup_manager: 'cgroupfs', events_logger: 'none', runtime: 'runc' };
    const containers = { default_ulimits: ['nofile=1024:1024', 'nproc=1024:1024'] };
    writeFileSync(
      at('containers.conf'),
      `[containers]\n${settings(containers)}[engine]\n${settings({ ...engine, tmp_dir: at('tmp') })}`,
    );
    return new StartedPodman(folder);
  }

  /** Registries on loopback without TLS are named here. */
  trust(host: string): void {
    writeFileSync(
      join(this.folder.path, 'registries.conf'),
      `[[registry]]\nlocation = "${host}"\ninsecure = true\n`,
    );
  }

  readonly program = 'podman';

  /** For whoever calls this engine. */
  get environment(): Record<string, string> {
    const at = (name: string) => join(this.folder.path, name);
    return {
      PATH: process.env.PATH ?? '',
      HOME: this.folder.path,
      CONTAINERS_CONF: at('containers.conf'),
      CONTAINERS_STORAGE_CONF: at('storage.conf'),
      CONTAINERS_REGISTRIES_CONF: at('registries.conf'),
    };
  }

  /** Calls podman and answers with what it said; throws where it fails. */
  call(...words: string[]): string {
    return execFileSync('podman', words, {
      env: this.environment,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim();
  }

  /** Ends its containers and removes what it stored. */
  stop(): void {
    this.call('rm', '--all', '--force');
    spawnSync('umount', ['-l', join(this.folder.path, 'storage/vfs')]);
    this.folder.remove();
  }
}

/** Strings and lists of strings are written the same in JSON and in these files. */
const settings = (of: Record<string, unknown>) =>
  Object.entries(of)
    .map(([name, value]) => `${name} = ${JSON.stringify(value)}\n`)
    .join('');
