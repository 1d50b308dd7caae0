import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Seed } from '../../protocol/agent/enrol.js';
import { FakeController, type FakeControllerOptions } from './fake-controller.js';

const AGENT = fileURLToPath(new URL('../../dist/agent.mjs', import.meta.url));

/** A real agent process with a fake controller of its own, below a fresh folder. */
export class StartedAgent {
  log = '';

  private constructor(
    readonly controller: FakeController,
    public child: ChildProcess,
    readonly folder: string,
  ) {
    this.#listen();
  }

  #listen(): void {
    this.child.stderr?.on('data', (chunk: Buffer) => (this.log += chunk.toString('utf8')));
  }

  /** Starts the agent of an enrolled node again, without its seed. */
  async restart(): Promise<void> {
    await this.exited();
    this.child = spawn(process.execPath, [AGENT, '--root', this.root], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#listen();
  }

  static async start(
    options: FakeControllerOptions & {
      environment?: Record<string, string>;
      program?: string;
      /** Added to the seed. */
      seed?: Partial<Seed>;
      /** Another user's number than that of the test, which must be root then. */
      uid?: number;
      /** In front of the agent's command, to put it into another world (`unshare …`). */
      before?: string[];
    } = {},
  ): Promise<StartedAgent> {
    const controller = await FakeController.start(options);
    const folder = await mkdtemp(join(tmpdir(), 'batchyard-agent-'));
    const seed = {
      controllerUrl: controller.url,
      nodeKey: 'acct/pool/node-1',
      incarnation: 1,
      token: randomBytes(16).toString('hex'),
      rootDirectory: join(folder, 'root'),
      ...options.seed,
    };
    // Tasks that have users of their own must be able to pass.
    if (options.seed?.taskUsers !== undefined) chmodSync(folder, 0o711);
    const seedPath = join(folder, 'seed.json');
    writeFileSync(seedPath, JSON.stringify(seed), { mode: 0o600 });
    const { uid } = options;
    if (uid !== undefined) for (const path of [folder, seedPath]) chownSync(path, uid, uid);
    const command = [process.execPath, options.program ?? AGENT, '--seed', seedPath];
    const [file = '', ...args] = [...(options.before ?? []), ...command];
    const child = spawn(file, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...options.environment },
      ...(uid === undefined ? {} : { uid, gid: uid }),
    });
    return new StartedAgent(controller, child, folder);
  }

  get root(): string {
    return join(this.folder, 'root');
  }

  get seedPath(): string {
    return join(this.folder, 'seed.json');
  }

  /** The text of a file below the node's root. */
  text(path: string): string {
    return readFileSync(join(this.root, path), 'utf8');
  }

  has(path: string): boolean {
    return existsSync(join(this.root, path));
  }

  taskText(taskId: string, path = 'stdout.txt'): string {
    return this.text(`workitems/Job/job-1/${taskId}/${path}`);
  }

  async exited(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null)
      await once(this.child, 'exit');
    return this.child.exitCode;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null) this.child.kill('SIGTERM');
    await this.exited();
    await this.controller.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
