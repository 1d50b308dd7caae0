/**
 * Nodes that are processes on this machine: each node one agent, detached, in a process group of its
 * own, so that it and its tasks outlive the controller.
 *
 *   DIR/{account}/{pool}/{node}         the node's root (AZ_BATCH_NODE_ROOT_DIR)
 *   DIR/{account}/{pool}/{node}.agent   seed.json, process.json, agent.log; ids hold no dot
 *
 * process.json is written after the process has started: where it is missing or its process is gone,
 * `list` looks for an agent that carries the node's mark, so one that was started by a controller
 * which died just then is found. A process is ours only if its environment carries the node's
 * root, an agent by its record only with the start time that was written down too.
 */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { mkdir, readdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Seed } from '../../../../protocol/agent/enrol.js';
import type { NodeKey } from '../../../../protocol/keys.js';
import { NodeProvisionError } from '../provider.js';
import type { Listing, NodeProvider, NodeSpecification, ProvidedNode } from '../provider.js';
import { environmentOf, processStart, processesMarked } from './proc.js';
import { removeLeftGroups } from './left-groups.js';
import { unmountLeft } from './left-mounts.js';
import type { UserNumbers } from './user-numbers.js';

/** Set by the agent for its tasks too: the mark that finds all processes of a node. */
const MARK = 'AZ_BATCH_NODE_ROOT_DIR';
const INCARNATION_MARK = 'BATCHYARD_NODE_INCARNATION';
/** In the base of every Debian, Ubuntu and most others. */
const PERL = '/usr/bin/perl';
/** A kill is looked after for this long before it is called failed. */
const DESTROY_TIMEOUT_MS = 20_000;
const DESTROY_POLL_MS = 20;
/** An agent holds its queue and little more: small spaces keep a node near 40 MB. */
const AGENT_FLAGS = ['--max-old-space-size=128', '--max-semi-space-size=1'];
/** What of the controller's environment an agent may see. */
const PASSED_VARIABLES = [
  'PATH',
  'HOME',
  'LANG',
  'LC_ALL',
  'TZ',
  'TMPDIR',
  'USER',
  'LOGNAME',
  'SHELL',
  // Where agents find a container engine; their tasks get none of these.
  'BATCHYARD_CONTAINER_PROGRAM',
  'DOCKER_HOST',
  'DOCKER_CERT_PATH',
  'DOCKER_TLS_VERIFY',
  'CONTAINER_HOST',
  'CONTAINERS_CONF',
  'CONTAINERS_STORAGE_CONF',
  'CONTAINERS_REGISTRIES_CONF',
  'XDG_RUNTIME_DIR',
];

export interface ProcessProviderOptions {
  /** Folder of all nodes, absolute. */
  directory: string;
  /** The bundled agent. */
  agentFile: string;
  /** Whom tasks run as; absent: every task is its agent's own user. */
  userNumbers?: UserNumbers;
  /** An agent that this controller started has ended. */
  onExit?: (nodeKey: NodeKey) => void;
}

interface ProcessRecord {
  nodeKey: string;
  incarnation: number;
  pid: number;
  startTicks: string;
}

export class ProcessProvider implements NodeProvider {
  readonly kind = 'process';

  constructor(private readonly options: ProcessProviderOptions) {}

  async create(specification: NodeSpecification): Promise<void> {
    const { nodeKey, incarnation } = specification;
    const known = this.look(nodeKey);
    if (known?.state === 'running' && known.incarnation === incarnation) return;
    try {
      if (known !== undefined || specification.disk === 'new') {
        await this.destroy(nodeKey, specification.disk === 'new' ? 'remove' : 'keep');
      }
      await this.launch(specification);
    } catch (error) {
      await this.destroy(nodeKey, specification.disk === 'new' ? 'remove' : 'keep');
      throw new NodeProvisionError(
        'AllocationFailed',
        `the agent process of node ${nodeKey} could not be started`,
        { cause: error },
      );
    }
  }

  async destroy(nodeKey: NodeKey, disk: 'remove' | 'keep'): Promise<void> {
    const deadline = Date.now() + DESTROY_TIMEOUT_MS;
    // Again until none is left: a process may have made another while the first ones were ended.
    for (;;) {
      const pids = this.processesOf(nodeKey);
      if (pids.length === 0) break;
      if (Date.now() > deadline) {
        throw new Error(`processes ${pids.join(', ')} of node ${nodeKey} don't end`);
      }
      for (const pid of pids) kill(pid);
      await delay(DESTROY_POLL_MS);
    }
    await removeLeftGroups(this.root(nodeKey));
    // First of all: what is removed below must be the node's own, never a share's.
    await unmountLeft(this.root(nodeKey));
    await remove(join(this.controlFolder(nodeKey), 'process.json'));
    await remove(join(this.controlFolder(nodeKey), 'seed.json'));
    if (disk === 'remove') {
      await remove(this.root(nodeKey));
      await this.options.userNumbers?.giveBack(this.root(nodeKey), this.controlFolder(nodeKey));
      await remove(this.controlFolder(nodeKey));
      const pool = dirname(this.root(nodeKey));
      if (await removeIfEmpty(pool)) await removeIfEmpty(dirname(pool));
    }
  }

  async list(): Promise<Listing> {
    const nodes: ProvidedNode[] = [];
    for (const account of await names(this.options.directory)) {
      if (account.includes('.')) continue;
      for (const pool of await names(join(this.options.directory, account))) {
        if (pool.includes('.')) continue;
        const entries = await names(join(this.options.directory, account, pool));
        const ids = new Set(entries.map((name) => name.replace(/\.agent$/, '')));
        for (const id of ids) {
          const found = this.look(`${account}/${pool}/${id}` as NodeKey);
          if (found !== undefined) nodes.push(found);
        }
      }
    }
    return { nodes, hypervisors: [] };
  }

  async close(): Promise<void> {
    // Agents are not ours to end: they go on and call the next controller.
  }

  private async launch(specification: NodeSpecification): Promise<void> {
    const { nodeKey, incarnation } = specification;
    const root = this.root(nodeKey);
    const control = this.controlFolder(nodeKey);
    await makeFolder(root, 0o755);
    await makeFolder(control, 0o700);
    const seedFile = join(control, 'seed.json');
    const granted = await this.options.userNumbers?.grant(root, control);
    const own = { nodeKey, incarnation, rootDirectory: root };
    const seed: Seed = { ...specification.seed, ...own, ...granted };
    await writeFile(seedFile, JSON.stringify(seed), { mode: 0o600 });
    const log = openSync(join(control, 'agent.log'), 'a', 0o600);
    try {
      const agent = [process.execPath, ...AGENT_FLAGS, this.options.agentFile, '--seed', seedFile];
      const [program = '', ...programArguments] = underSurvivor(agent, this.options.agentFile);
      const child = spawn(program, programArguments, {
        cwd: root,
        detached: true,
        stdio: ['ignore', log, log],
        env: {
          ...passedEnvironment(),
          [MARK]: root,
          [INCARNATION_MARK]: String(incarnation),
        },
      });
      child.once('exit', () => this.options.onExit?.(nodeKey));
      await once(child, 'spawn');
      child.unref();
      const pid = child.pid ?? 0;
      const record = { nodeKey, incarnation, pid, startTicks: processStart(pid) ?? '' };
      await writeFile(join(control, 'process.json'), JSON.stringify(record), { mode: 0o600 });
    } finally {
      closeSync(log);
    }
  }

  /** What is there of a node: undefined for nothing at all. */
  private look(nodeKey: NodeKey): ProvidedNode | undefined {
    const control = this.controlFolder(nodeKey);
    const record = readJson<ProcessRecord>(join(control, 'process.json'));
    if (record?.nodeKey === nodeKey && this.isAlive(nodeKey, record)) {
      return { nodeKey, incarnation: record.incarnation, state: 'running', ipAddress: '127.0.0.1' };
    }
    if (!exists(this.root(nodeKey)) && !exists(control)) return undefined;
    const incarnation = this.unrecordedAgent(nodeKey);
    return incarnation === undefined
      ? { nodeKey, incarnation: record?.incarnation ?? 0, state: 'stopped' }
      : { nodeKey, incarnation, state: 'running', ipAddress: '127.0.0.1' };
  }

  /** The incarnation of an agent that runs without a record. Its tasks carry the root alone. */
  private unrecordedAgent(nodeKey: NodeKey): number | undefined {
    for (const pid of processesMarked(MARK, this.root(nodeKey))) {
      const incarnation = Number(environmentOf(pid, INCARNATION_MARK));
      if (incarnation >= 1) return incarnation;
    }
    return undefined;
  }

  private processesOf(nodeKey: NodeKey): number[] {
    const record = readJson<ProcessRecord>(join(this.controlFolder(nodeKey), 'process.json'));
    const isOwn = this.options.userNumbers?.ownerTest(this.controlFolder(nodeKey));
    const marked = processesMarked(MARK, this.root(nodeKey), isOwn);
    // The agent first: it must not start more while its tasks are ended.
    return record !== undefined && this.isAlive(nodeKey, record)
      ? [record.pid, ...marked.filter((pid) => pid !== record.pid)]
      : marked;
  }

  /** Numbers are given again, and start times count hundredths of seconds: the mark must be there too. */
  private isAlive(nodeKey: NodeKey, { pid, startTicks }: ProcessRecord): boolean {
    return (
      startTicks !== '' &&
      processStart(pid) === startTicks &&
      environmentOf(pid, MARK) === this.root(nodeKey)
    );
  }

  private root(nodeKey: NodeKey): string {
    return join(this.options.directory, ...safeParts(nodeKey));
  }

  private controlFolder(nodeKey: NodeKey): string {
    return `${this.root(nodeKey)}.agent`;
  }
}

/**
 * The agent as the child of survivor.pl, which starts it again after a crash and keeps its tasks; where
 * there is no Perl the agent runs by itself, and its tasks die with it.
 */
function underSurvivor(agent: string[], agentFile: string): string[] {
  const survivor = join(dirname(agentFile), 'survivor.pl');
  return existsSync(PERL) && existsSync(survivor) ? [PERL, survivor, ...agent] : agent;
}

/** Ids are letters, digits, dashes and underscores; anything else would be a path of its own making. */
function safeParts(nodeKey: NodeKey): string[] {
  const parts = nodeKey.split('/');
  if (parts.length !== 3 || parts.some((part) => !/^[a-z0-9_-]+$/.test(part))) {
    throw new Error(`${JSON.stringify(nodeKey)} is no node key: allowed is account/pool/node`);
  }
  return parts;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function passedEnvironment(): Record<string, string> {
  return Object.fromEntries(
    PASSED_VARIABLES.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function readJson<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch {
    // None, or cut short by a crash while it was written: as if there were none.
    return undefined;
  }
}

function exists(path: string): boolean {
  try {
    closeSync(openSync(path, 'r'));
    return true;
  } catch {
    return false;
  }
}

/** Folders whose names are those of ids: whatever else is there is nobody's business here. */
async function names(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory() && /^[a-z0-9_-]+(\.agent)?$/.test(entry.name))
      .map(({ name }) => name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** The pool's last other node may be removing the empty folder above at this very moment. */
async function makeFolder(path: string, mode: number): Promise<void> {
  for (let triesLeft = 3; ; triesLeft -= 1) {
    try {
      await mkdir(path, { recursive: true, mode });
      return;
    } catch (error) {
      if (triesLeft === 0 || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}

async function removeIfEmpty(folder: string): Promise<boolean> {
  try {
    await rmdir(folder);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(code)) return false;
    throw error;
  }
}

const remove = (path: string) =>
  rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
