import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { removeLeftGroups } from '../../controller/effects/nodes/process/left-groups.js';
import { tempDirectory } from './temp-dir.js';
import { waitFor } from './wait-for.js';

/** The file that users start. */
export const BATCHYARD = fileURLToPath(new URL('../../dist/batchyard.js', import.meta.url));
const READY_TIMEOUT_MS = 30_000;

export interface StartOptions {
  /** Also listens for https. */
  tls?: boolean;
  /** Added to the configuration file (keys of controller/config/schema.ts). */
  configuration?: Record<string, unknown>;
  /** A folder that outlives this controller; by default a new one that `stop` removes. */
  dataDirectory?: string;
  environment?: Record<string, string>;
  /** More flags, as on the command line. */
  flags?: string[];
  /** In front of its command: `ip netns exec NAME`. */
  before?: string[];
  /** Where it listens; by default a port of the loopback interface. */
  listen?: string;
}

/** A real controller process with a data folder, an account and an admin token of its own. */
export interface StartedController {
  readonly url: string;
  readonly tlsUrl: string | undefined;
  readonly caFile: string | undefined;
  readonly account: string;
  readonly key: string;
  readonly adminToken: string;
  readonly dataDirectory: string;
  /** Of the present run. */
  readonly pid: number;
  /** Everything it wrote to standard error, over all runs. */
  logs(): string;
  /** SIGTERM and wait; answers with the exit code. Nodes live on. */
  terminate(): Promise<number | null>;
  /** SIGKILL and wait. Nodes live on. */
  kill(): Promise<void>;
  /** Starts again on the same folder and the same ports (kills a run that is still there). */
  restart(): Promise<void>;
  /**
   * The end of a test: SIGTERM, then ends the process nodes that are left and removes the folder.
   * Throws if the controller didn't exit with 0 or a process outlived it that no node explains.
   */
  stop(): Promise<void>;
}

interface Ready {
  ready: boolean;
  url: string;
  tlsUrl?: string;
  caFile?: string;
}

export async function startController(options: StartOptions = {}): Promise<StartedController> {
  const folder = tempDirectory('controller');
  const dataDirectory = options.dataDirectory ?? join(folder.path, 'data');
  const identity = {
    account: 'testaccount',
    key: randomBytes(64).toString('base64'),
    adminToken: randomBytes(24).toString('base64url'),
  };
  const run = new Run(options, dataDirectory, identity);
  try {
    await run.start();
  } catch (error) {
    endNodesOf(dataDirectory);
    folder.remove();
    throw error;
  }
  return {
    ...identity,
    dataDirectory,
    get url() {
      return run.ready.url;
    },
    get tlsUrl() {
      return run.ready.tlsUrl;
    },
    get caFile() {
      return run.ready.caFile;
    },
    get pid() {
      return run.pid;
    },
    logs: () => run.log,
    terminate: () => run.end('SIGTERM'),
    kill: async () => {
      await run.end('SIGKILL');
    },
    restart: async () => {
      await run.end('SIGKILL');
      await run.start();
    },
    stop: async () => {
      const wasRunning = run.running;
      const code = await run.end('SIGTERM');
      endNodesOf(dataDirectory);
      await waitFor('every process of the data folder to end', () => {
        const left = processesOf(dataDirectory);
        if (left.length > 0) endNodesOf(dataDirectory);
        return left.length === 0;
      });
      await removeGroupsBelow(dataDirectory);
      folder.remove();
      if (wasRunning && code !== 0) {
        throw new Error(
          `the controller ended with ${String(code)} on SIGTERM:\n${run.log.slice(-4000)}`,
        );
      }
    },
  };
}

/** One child process after another on the same folder. */
class Run {
  log = '';
  ready: Ready = { ready: false, url: '' };
  private child: ChildProcess | undefined;

  constructor(
    private readonly options: StartOptions,
    private readonly dataDirectory: string,
    private readonly identity: { account: string; key: string; adminToken: string },
  ) {}

  get running(): boolean {
    return (
      this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null
    );
  }

  get pid(): number {
    if (this.child?.pid === undefined) throw new Error('the controller has not been started');
    return this.child.pid;
  }

  async start(): Promise<void> {
    const command = [
      ...(this.options.before ?? []),
      ...[process.execPath, BATCHYARD, 'controller', ...this.flags()],
    ];
    const child = spawn(command[0] ?? '', command.slice(1), {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        BATCHYARD_ACCOUNTS: `${this.identity.account}=${this.identity.key}`,
        BATCHYARD_ADMIN_TOKEN: this.identity.adminToken,
        ...structures(this.options.configuration ?? {}),
        ...this.options.environment,
      },
    });
    this.child = child;
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.log += text;
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    const line = await waitFor(
      'the ready line of the controller',
      () => {
        if (!this.running) {
          throw new Error(`the controller ended with ${String(child.exitCode)}:\n${this.log}`);
        }
        return output.includes('\n') ? (output.split('\n', 1)[0] ?? '') : undefined;
      },
      { timeoutMs: READY_TIMEOUT_MS },
    );
    this.ready = JSON.parse(line) as Ready;
  }

  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    const child = this.child;
    if (child === undefined) return null;
    if (this.running) child.kill(signal);
    await waitFor('the controller to end', () => !this.running, { timeoutMs: 30_000 });
    return child.exitCode;
  }

  private flags(): string[] {
    const again = (url: string | undefined, first = '127.0.0.1:0') =>
      url === undefined || url === '' ? first : new URL(url).host;
    const { listen, tls } = this.options;
    const flags = ['--data', this.dataDirectory, '--listen', again(this.ready.url, listen)];
    if (tls === true) flags.push('--tls-listen', again(this.ready.tlsUrl));
    return [...flags, ...(this.options.flags ?? [])];
  }
}

/** Settings travel in the environment: `{vmSizes: […]}` → `BATCHYARD_VM_SIZES`. */
function structures(configuration: Record<string, unknown>): Record<string, string> {
  const entries = Object.entries(configuration).map(([key, value]) => [
    `BATCHYARD_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  return Object.fromEntries(entries) as Record<string, string>;
}

/** Processes whose command line or environment names the folder: its nodes and their tasks. */
export function processesOf(dataDirectory: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid !== process.pid)
    .filter((pid) => names(pid, 'cmdline', dataDirectory) || names(pid, 'environ', dataDirectory));
}

/** Control groups of nodes that were killed above. */
async function removeGroupsBelow(dataDirectory: string): Promise<void> {
  const folder = join(dataDirectory, 'nodes');
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    if (name.split('/').length === 3) await removeLeftGroups(join(folder, name));
}

function names(pid: number, file: 'cmdline' | 'environ', text: string): boolean {
  try {
    return readFileSync(`/proc/${String(pid)}/${file}`, 'utf8').includes(text);
  } catch {
    // It has ended in the meantime, or is another user's.
    return false;
  }
}

function endNodesOf(dataDirectory: string): void {
  if (!existsSync(dataDirectory)) return;
  for (const pid of processesOf(dataDirectory)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
}
