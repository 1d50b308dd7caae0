import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'vitest';

/** What a suite needs and a machine may lack. */
export interface Requirement {
  name: string;
  met: boolean;
  /** Why not, and what installs it. */
  reason: string;
}

/**
 * Looks whether something is there. `check` answers with true, or with what is missing (false: just
 * the name); an exception counts as missing. With BATCHYARD_REQUIRE_ALL=1 what is missing throws here,
 * so the suite fails; otherwise the reason is printed and the suite is to be skipped: see `suite`.
 */
export async function requirement(
  name: string,
  check: () => boolean | string | Promise<boolean | string>,
  installCommand: string,
): Promise<Requirement> {
  let seen: boolean | string;
  try {
    seen = await check();
  } catch (error) {
    seen = error instanceof Error ? error.message : String(error);
  }
  if (seen === true) return { name, met: true, reason: '' };
  const reason = `${name} is missing${seen === false ? '' : `: ${seen}`}; to install it: ${installCommand}`;
  if (process.env['BATCHYARD_REQUIRE_ALL'] === '1') {
    throw new Error(`${reason} (BATCHYARD_REQUIRE_ALL=1: nothing may be skipped)`);
  }
  process.stderr.write(`skipped: ${reason}\n`);
  return { name, met: false, reason };
}

/** `describe` where all is there; else a skipped suite whose title says what is missing and what installs it. */
export function suite(title: string, requirements: readonly Requirement[], body: () => void): void {
  const missing = requirements.filter(({ met }) => !met);
  if (missing.length === 0) describe(title, body);
  // The body is not run: it may make folders that only its own hooks remove.
  else
    describe(title, () => {
      it.skip(`skipped: ${missing.map(({ reason }) => reason).join('; ')}`, () => undefined);
    });
}

/** Programs on PATH or where administrators' programs are; true, or the names of those that are missing. */
export function programs(...names: string[]): true | string {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'];
  const missing = names.filter((name) => !folders.some((folder) => existsSync(join(folder, name))));
  return missing.length === 0 ? true : `no ${missing.join(', ')}`;
}

const repository = join(import.meta.dirname, '..', '..');
const libvirtdScript = join(repository, 'scripts', 'libvirtd.mjs');
const DEBIAN_PACKAGES =
  'libvirt-daemon-system libvirt-daemon-driver-qemu libvirt-clients libvirt-dev qemu-system-x86 qemu-utils seabios mmdebstrap genisoimage e2fsprogs tini';

/** Debian's programs, not what an environment of the user may have put in front of them. */
export const PYTHON = '/usr/bin/python3';
export const AZ = '/usr/bin/az';

/** All that real VM nodes need: programs, the binding, and a libvirtd that answers or that we may start. */
export const libvirtRequirement = () =>
  requirement(
    'libvirt',
    async () => {
      const found = programs(
        'virsh',
        'qemu-system-x86_64',
        'qemu-img',
        'mmdebstrap',
        'genisoimage',
        'mkfs.ext4',
      );
      if (found !== true) return found;
      await import('@unraid/libvirt');
      if (process.getuid?.() === 0) return programs('libvirtd', 'virtlogd', 'tini');
      const answers = spawnSync(process.execPath, [libvirtdScript, 'status']).status === 0;
      return answers ? true : 'no libvirtd answers this user at qemu:///system';
    },
    `apt-get install -y ${DEBIAN_PACKAGES}, then npm install @unraid/libvirt`,
  );

/** What looks at imported images. */
export const qemuImgRequirement = () =>
  requirement('qemu-img', () => programs('qemu-img'), 'apt-get install -y qemu-utils');

/** Debian's own Python with the clients of Azure: another Python on PATH would not have them. */
export const pythonAzureRequirement = () =>
  requirement(
    'python3-azure',
    () => {
      const tried = spawnSync(PYTHON, ['-c', 'import azure.batch'], { encoding: 'utf8' });
      return tried.status === 0 || `${PYTHON} cannot import azure.batch`;
    },
    'apt-get install -y --no-install-recommends python3-azure',
  );

export const azureCliRequirement = () =>
  requirement(
    'azure-cli',
    () => existsSync(AZ) || `no ${AZ}`,
    'apt-get install -y --no-install-recommends azure-cli',
  );

/** Starts libvirtd if none answers; the returned function ends it again if it was started here. */
export function ensureLibvirtd(): () => void {
  const said = execFileSync(process.execPath, [libvirtdScript, 'start'], {
    encoding: 'utf8',
  }).trim();
  return () => {
    if (said === 'started') execFileSync(process.execPath, [libvirtdScript, 'stop']);
  };
}

/** One image for all suites that need more packages: each image takes its time on a new machine. */
export const RICH_IMAGE = {
  include: ['openmpi-bin', 'podman', 'netavark', 'iptables'],
  sku: '12-rich',
};

/** Builds an image of VM nodes if it isn't there; answers with the path of its manifest. */
export function ensureImage(
  wanted: { kind?: 'small' | 'cloud'; include?: string[]; sku?: string } = {},
): string {
  const plan = JSON.stringify(wanted);
  const program = `import('./scripts/image-build.mjs').then(async (build) => { await build.buildImage(${plan}); console.log(build.imageDirectory(${plan})); })`;
  const directory = execFileSync(process.execPath, ['-e', program], {
    cwd: repository,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  }).trim();
  return join(directory, 'manifest.json');
}

/** Tasks can have users of their own only where the agent is root. */
export const rootRequirement = () =>
  requirement(
    'root',
    () => process.getuid?.() === 0 || 'this is not root',
    'sudo npm test -- --project agent',
  );
