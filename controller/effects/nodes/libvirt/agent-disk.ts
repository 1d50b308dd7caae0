import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { chmod, copyFile, cp, mkdir, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import type { HostFiles } from './host-files.js';
import { runProgram } from './program.js';

/** What the disk is labelled: the image's unit mounts it by this name. */
const LABEL = 'BATCHYARD';

/** What may lie beside the bundle: its parent, and the bundle again for a start with compiled code. */
const BESIDE = ['survivor.pl', 'start.cjs', 'agent.cjs'];

export interface AgentFiles {
  /** A Node binary for the guests; by default the one that runs the controller. */
  node: string;
  /** The bundled agent. */
  bundle: string;
}

/**
 * The read-only disk that all nodes share: Node, the agent's bundle, and koffi with its native part.
 * Named by its content: a new agent is a new disk, and nodes that run keep theirs.
 */
export async function agentDisk(files: HostFiles, agent: AgentFiles): Promise<string> {
  const packages = nativePackages(agent.bundle);
  const beside = BESIDE.map((name) => join(dirname(agent.bundle), name)).filter(existsSync);
  const hash = createHash('sha256');
  for (const file of [
    agent.node,
    agent.bundle,
    ...beside,
    ...packages.map(({ manifest }) => manifest),
  ]) {
    for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  }
  const name = `agent-${hash.digest('hex').slice(0, 16)}.iso`;
  const target = files.shared(name);
  if (existsSync(target)) return target;
  const work = await files.workFolder(`building-${String(process.pid)}`);
  try {
    const tree = join(work, 'tree');
    await mkdir(tree);
    await copyFile(agent.node, join(tree, 'node'));
    await chmod(join(tree, 'node'), 0o755);
    await copyFile(agent.bundle, join(tree, 'agent.mjs'));
    for (const file of beside) await copyFile(file, join(tree, basename(file)));
    for (const { directory, path } of packages) await copyPackage(directory, join(tree, path));
    await compile(tree);
    const iso = join(work, name);
    await runProgram('genisoimage', ['-quiet', '-R', '-V', LABEL, '-o', iso, tree], {
      debianPackage: 'genisoimage',
      timeoutMs: 120_000,
    });
    await chmod(iso, 0o644);
    await rename(iso, target);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return target;
}

/**
 * Keeps what V8 makes of the bundle, for the Node that it goes with: an emulated guest reads that in less than
 * half the time. A Node that does not run here (of another architecture) makes none, and its guests compile.
 */
async function compile(tree: string): Promise<void> {
  const start = join(tree, 'start.cjs');
  if (!existsSync(start)) return;
  const code = join(tree, 'agent.cache');
  const env = { ...process.env, BATCHYARD_CODE_CACHE: code };
  const args = [start, '--seed', join(tree, 'none')];
  await new Promise<void>((resolve) => {
    execFile(join(tree, 'node'), args, { env, timeout: 60_000 }, () => resolve());
  });
}

interface NativePackage {
  directory: string;
  /** Below the disk's root: `node_modules/koffi`. */
  path: string;
  manifest: string;
}

/** koffi and its native part, where they are installed: the agent does without, only slower. */
function nativePackages(bundle: string): NativePackage[] {
  const platform = `${process.platform}-${process.arch}`;
  let from = createRequire(bundle);
  const found: NativePackage[] = [];
  for (const name of ['koffi', `@koromix/koffi-${platform}`]) {
    const directory = packageDirectory(from, name);
    if (directory === undefined) return [];
    const manifest = join(directory, 'package.json');
    found.push({ directory, path: join('node_modules', name), manifest });
    from = createRequire(manifest);
  }
  return found;
}

function packageDirectory(from: NodeJS.Require, name: string): string | undefined {
  return (from.resolve.paths(name) ?? [])
    .map((folder) => join(folder, name))
    .find((folder) => existsSync(join(folder, 'package.json')));
}

/** What Node loads of a package for this system: no sources, no builds for another libc. */
async function copyPackage(directory: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  await cp(directory, target, {
    recursive: true,
    dereference: true,
    filter: async (source) => {
      if ((await stat(source)).isDirectory())
        return !/^(vendor|doc|musl_)/.test(relative(directory, source));
      return /\.(js|cjs|mjs|json|node)$/.test(source);
    },
  });
}
