#!/usr/bin/env node
// npm run image:build: makes the small Debian 12 image of VM nodes, without loop devices or mounts.
//   npm run image:build [-- --out DIR] [--mirror URL] [--force] [--cloud] [--include PACKAGE,… --sku NAME]
// --cloud: instead, a stand-in for the ready-made cloud images of distributions (cloud-init, GRUB).
// --include: with these packages of Debian too; --sku: offered under this name, beside the image without them.
// Writes disk.qcow2, vmlinuz, initrd.img and manifest.json; does nothing when they are there and made by
// the same recipe. The manifest's `image` is an entry for `images` of the controller's configuration.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync, copyFileSync, createReadStream, createWriteStream, existsSync, mkdirSync, mkdtempSync,
  readdirSync, renameSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync,
} from 'node:fs'; // prettier-ignore
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as cloud from './image-build/cloud-image.mjs';
import * as guest from './image-build/guest.mjs';
import { makeInitrd } from './image-build/initrd.mjs';
import { FILES, builtImage, imageDirectory, planOf, recipeHash } from './image-build/plan.mjs';

export { builtImage, imageDirectory };

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
/** Program → the Debian package that has it. */
const NEEDED = {
  mmdebstrap: 'mmdebstrap',
  'mkfs.ext4': 'e2fsprogs',
  'qemu-img': 'qemu-utils',
  apt: 'apt',
  dpkg: 'dpkg',
};

const say = (line) => console.error(line);

function programPath(name) {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

function checkMachine() {
  if (process.arch !== 'x64' || process.platform !== 'linux')
    throw new Error(
      `the image is for linux x64 and is made on it; this is ${process.platform} ${process.arch}`,
    );
  const missing = Object.keys(NEEDED)
    .filter((name) => programPath(name) === undefined)
    .map((name) => NEEDED[name]);
  if (!existsSync(KEYRING)) missing.push('debian-archive-keyring');
  if (missing.length > 0)
    throw new Error(
      `missing Debian packages: ${missing.join(' ')}; install them with: apt-get install -y ${missing.join(' ')}`,
    );
  if (process.getuid?.() !== 0)
    throw new Error(
      'making the tree of a Debian system needs root: sudo npm run image:build -- --out DIR',
    );
}

/** Runs a program with its output in the log; the end of it is in the error. */
function run(command, args, log) {
  return new Promise((done, failed) => {
    let tail = '';
    const child = spawn(programPath(command) ?? command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, LC_ALL: 'C' },
    });
    const take = (text) => {
      log.write(text);
      tail = (tail + text).slice(-1500);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', failed);
    child.on('close', (code, signal) => {
      if (code === 0) done();
      else
        failed(
          new Error(
            `${command} ended with ${code ?? signal}; the end of its output:\n${tail.trim()}`,
          ),
        );
    });
  });
}

async function step(what, action) {
  const started = Date.now();
  process.stderr.write(`${what} … `);
  const result = await action();
  process.stderr.write(`${((Date.now() - started) / 1000).toFixed(1)} s\n`);
  return result;
}

function writeTree(tree, files) {
  for (const [path, { text, mode }] of Object.entries(files)) {
    const target = join(tree, path);
    mkdirSync(dirname(target), { recursive: true });
    rmSync(target, { force: true });
    writeFileSync(target, text);
    chmodSync(target, mode ?? 0o644);
  }
}

/** The mirror that this machine's own apt takes the suite from; undefined where it runs another one. */
function ownMirror() {
  const { stdout } = spawnSync(
    'apt-get',
    ['indextargets', '--format', '$(SITE) $(CODENAME)', 'Created-By: Packages'],
    { encoding: 'utf8' },
  );
  const line = (stdout ?? '').split('\n').find((text) => text.endsWith(` ${guest.SUITE}`));
  return line?.split(' ')[0];
}

/** Packages into a tree. The files that the initrd's making reads are put there before any package is configured. */
async function bootstrap(work, packages, mirror, log) {
  const [early, tree] = [join(work, 'early'), join(work, 'tree')];
  writeTree(early, guest.EARLY_FILES);
  await run(
    'mmdebstrap',
    [
      '--variant=minbase', `--include=${packages.join(',')}`,
      ...guest.EXCLUDED_PATHS.map((path) => `--dpkgopt=path-exclude=${path}`),
      '--aptopt=Acquire::Retries "3"',
      `--essential-hook=copy-in ${join(early, 'etc')} /`, `--essential-hook=copy-in ${join(early, 'usr')} /`,
      guest.SUITE, tree,
      // Without a line mmdebstrap takes the suite's own default mirror.
      ...(mirror === undefined ? [] : [`deb [signed-by=${KEYRING}] ${mirror} ${guest.SUITE} main`]),
    ],
    log,
  ); // prettier-ignore
  return tree;
}

function configure(tree, work) {
  writeTree(tree, guest.FILES);
  const units = join(tree, 'etc/systemd/system');
  for (const unit of guest.MASKED_UNITS) {
    rmSync(join(units, unit), { force: true });
    symlinkSync('/dev/null', join(units, unit));
  }
  for (const link of guest.DISABLED) rmSync(join(units, link), { force: true });
  const generators = join(tree, 'etc/systemd/system-generators');
  mkdirSync(generators, { recursive: true });
  for (const name of guest.MASKED_GENERATORS) symlinkSync('/dev/null', join(generators, name));
  for (const [unit, target] of Object.entries(guest.WANTED_BY)) {
    const folder = join(units, `${target}.wants`);
    mkdirSync(folder, { recursive: true });
    rmSync(join(folder, unit), { force: true });
    const own = existsSync(join(units, unit));
    symlinkSync(
      own ? `/etc/systemd/system/${unit}` : `/lib/systemd/system/${unit}`,
      join(folder, unit),
    );
  }
  rmSync(join(units, 'default.target'), { force: true });
  symlinkSync('/lib/systemd/system/multi-user.target', join(units, 'default.target'));
  rmSync(join(tree, 'etc/resolv.conf'), { force: true });
  symlinkSync('/run/resolv.conf', join(tree, 'etc/resolv.conf'));
  const kernels = readdirSync(join(tree, 'boot')).filter((file) => file.startsWith('vmlinuz-'));
  if (kernels.length !== 1)
    throw new Error(`the tree's /boot holds ${kernels.length} kernels, expected one`);
  copyFileSync(join(tree, 'boot', kernels[0]), join(work, FILES.kernel));
  writeFileSync(join(work, FILES.initrd), makeInitrd(tree));
  for (const name of [FILES.kernel, FILES.initrd]) chmodSync(join(work, name), 0o644);
  for (const file of readdirSync(join(tree, 'etc/ssh')))
    if (guest.REMOVED.test(file)) rmSync(join(tree, 'etc/ssh', file));
  for (const path of guest.CLEANED) {
    for (const entry of readdirSync(join(tree, path)))
      rmSync(join(tree, path, entry), { recursive: true, force: true });
  }
}

async function makeDisk(tree, work, log) {
  const raw = join(work, 'disk.raw');
  await run(
    'mkfs.ext4',
    [
      '-q',
      '-F',
      '-L',
      'root',
      '-m',
      '0',
      '-J',
      'size=32',
      '-d',
      tree,
      raw,
      `${guest.FILE_SYSTEM_MIB}M`,
    ],
    log,
  );
  await run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, join(work, FILES.path)], log);
  chmodSync(join(work, FILES.path), 0o644);
  rmSync(raw);
}

async function makeSmallImage(work, { packages, mirror }, log) {
  const tree = await step('Debian packages (half a minute or more)', () =>
    bootstrap(work, packages, mirror, log),
  );
  await step('accounts, units, network and agent start', async () => {
    for (const command of guest.ACCOUNT_COMMANDS) await run('chroot', [tree, ...command], log);
    configure(tree, work);
  });
  await step('ext4 file system and qcow2 disk', () => makeDisk(tree, work, log));
}

/** The stand-in for cloud images: its tree, its boot loader, its disk. */
async function makeCloudImage(work, { packages, mirror }, log) {
  const tree = join(work, 'tree');
  await step('Debian packages with cloud-init (a minute or more)', () =>
    run(
      'mmdebstrap',
      [
        '--variant=minbase', `--include=${packages.join(',')}`,
        ...guest.EXCLUDED_PATHS.map((path) => `--dpkgopt=path-exclude=${path}`),
        '--aptopt=Acquire::Retries "3"', guest.SUITE, tree,
        ...(mirror === undefined ? [] : [`deb [signed-by=${KEYRING}] ${mirror} ${guest.SUITE} main`]),
      ],
      log,
    ),
  ); // prettier-ignore
  await run('chroot', [tree, ...cloud.CORE_COMMAND], log);
  await run('chroot', [tree, ...cloud.ENABLE_COMMAND], log);
  writeTree(tree, cloud.FILES);
  for (const path of guest.CLEANED.filter((folder) => folder !== 'boot'))
    for (const entry of readdirSync(join(tree, path)))
      rmSync(join(tree, path, entry), { recursive: true, force: true });
  const raw = join(work, 'disk.raw');
  const offset = cloud.PARTITION_OFFSET;
  await step('partition, boot loader and qcow2 disk', async () => {
    truncateSync(writeEmpty(raw), guest.FILE_SYSTEM_MIB * 2 ** 20 + offset);
    await run(
      'mkfs.ext4',
      [
        '-q', '-F', '-L', 'root', '-m', '0', '-E', `offset=${offset}`, '-d', tree, raw, `${guest.FILE_SYSTEM_MIB}M`,
      ],
      log,
    ); // prettier-ignore
    cloud.makeBootable(raw, tree);
    await run(
      'qemu-img',
      ['convert', '-f', 'raw', '-O', 'qcow2', raw, join(work, 'disk.qcow2')],
      log,
    );
    rmSync(raw);
  });
  chmodSync(join(work, 'disk.qcow2'), 0o644);
}

function writeEmpty(path) {
  writeFileSync(path, '');
  return path;
}

async function sha256(file) {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return hash.digest('hex');
}

/** The files appear under their names one by one, the manifest last: without it they count as not built. */
async function publish(work, out, plan, seconds) {
  const manifest = {
    image: {
      ...plan.names,
      nodeAgentSkuId: guest.NODE_AGENT_SKU_ID,
      osType: 'linux',
      provider: 'libvirt',
    },
    bytes: {},
    sha256: {},
  };
  rmSync(join(out, 'manifest.json'), { force: true });
  for (const [key, name] of Object.entries(plan.files)) {
    manifest.sha256[key] = await sha256(join(work, name));
    manifest.bytes[key] = statSync(join(work, name)).size;
    renameSync(join(work, name), join(out, name));
    manifest.image[key] = join(out, name);
  }
  if (plan.kind === 'small') manifest.image.kernelArguments = guest.KERNEL_ARGUMENTS;
  Object.assign(manifest, {
    recipe: recipeHash(plan),
    include: plan.include,
    suite: guest.SUITE,
    builtAt: new Date().toISOString(),
    seconds: Math.round(seconds),
  });
  writeFileSync(join(work, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  renameSync(join(work, 'manifest.json'), join(out, 'manifest.json'));
  return manifest;
}

/** Builds unless it is built. Resolves to the manifest; throws an Error whose message says what to do. */
export async function buildImage({
  kind = 'small',
  include = [],
  sku,
  out = imageDirectory({ kind, sku }),
  mirror = ownMirror(),
  force = false,
} = {}) {
  const plan = planOf({ kind, include, sku });
  const ready = builtImage(out, plan);
  if (ready !== undefined && !force) {
    say(`The image is there already, made by this recipe: ${join(out, 'manifest.json')}`);
    return ready;
  }
  checkMachine();
  mkdirSync(out, { recursive: true });
  const started = Date.now();
  const work = mkdtempSync(join(out, '.building-'));
  const logFile = join(out, 'build.log');
  const log = createWriteStream(logFile, { flags: 'w' });
  try {
    const make = kind === 'small' ? makeSmallImage : makeCloudImage;
    await make(work, { packages: plan.packages, mirror }, log);
    const manifest = await publish(work, out, plan, (Date.now() - started) / 1000);
    const mebibytes = Math.round(
      Object.values(manifest.bytes).reduce((sum, bytes) => sum + bytes, 0) / 2 ** 20,
    );
    say(`Image ready in ${manifest.seconds} s, ${mebibytes} MiB: ${join(out, 'manifest.json')}`);
    return manifest;
  } catch (error) {
    throw new Error(`the image could not be built: ${error.message}\nThe whole log: ${logFile}`, {
      cause: error,
    });
  } finally {
    log.end();
    rmSync(work, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const { values } = parseArgs({
      options: {
        out: { type: 'string' },
        mirror: { type: 'string' },
        force: { type: 'boolean' },
        cloud: { type: 'boolean' },
        include: { type: 'string' },
        sku: { type: 'string' },
      },
    });
    await buildImage({
      ...values,
      include: values.include?.split(','),
      kind: values.cloud === true ? 'cloud' : 'small',
      ...(values.out === undefined ? {} : { out: resolve(values.out) }),
    });
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
