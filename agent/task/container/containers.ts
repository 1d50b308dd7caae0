import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerPool, ContainerSettings } from '../../../protocol/agent/assignment.js';
import {
  containerEnvironment,
  createArguments,
  LABELS,
  type ContainerPlace,
} from '../../core/container-arguments.js';
import { AGENT_DIRECTORY } from '../../node/directories.js';
import { StepFailure, Stopped } from '../failure.js';
import type { LaunchOrder } from '../launcher.js';
import { ContainerEngine } from './engine.js';
import { createFailure } from './engine-failure.js';
import { ContainerImages } from './images.js';

/** A program that is to run in a container. */
export interface ContainerOrder {
  settings: ContainerSettings;
  /** Of the node's pool; absent: the pool takes no containers. */
  pool: ContainerPool | undefined;
  commandLine: string;
  environment: Record<string, string>;
  place: Omit<ContainerPlace, 'rootDirectory' | 'keepsOwnNumber'>;
  labels: Record<string, string>;
  stdoutPath: string;
  stderrPath: string;
  taskDirectory: string;
  appends: boolean;
  signal: AbortSignal;
}

const CONTAINER_ID = /^[0-9a-f]{64}$/;
/** A removal that fails is tried again so often; what runs in it is killed by its environment besides. */
const REMOVALS_MAX = 3;

/**
 * The containers of one node. One is created, and then started by the engine's own program, which stays
 * attached: it is the run's process, ends with the container's exit code, and outlives the agent as any
 * process of a task does.
 */
export class Containers {
  readonly #engines: readonly ContainerEngine[];
  #images = new Map<ContainerEngine, ContainerImages>();
  /** Those that this agent made, with their engines. */
  #made = new Map<string, ContainerEngine>();

  /** With the engines that the environment of the agent leads to. */
  constructor(
    own: NodeJS.ProcessEnv,
    private readonly rootDirectory: string,
  ) {
    this.#engines = ContainerEngine.findAll(own, rootDirectory);
    for (const engine of this.#engines)
      this.#images.set(engine, new ContainerImages(engine, rootDirectory));
  }

  /** Readies the node of a container pool. @throws StepFailure: the node is unusable */
  async prepare(pool: ContainerPool): Promise<void> {
    const { engine, images } = this.#engineOf(pool);
    images.forgetLogins();
    const answer = await engine.call(['version']);
    if (answer.exitCode !== 0)
      throw new StepFailure(
        'NodePreparationError',
        'servererror',
        `The container engine of the node does not answer (${engine.program}).`,
        [{ name: 'Message', value: answer.stderr.slice(0, 1_000) }],
      );
    await this.#removeNeverStarted(engine);
    await images.prefetch(pool);
  }

  /** Docker, or for `criCompatible` Podman, which has CRI-O's storage and runtime; else what is there. */
  #engineOf({ type }: ContainerPool): { engine: ContainerEngine; images: ContainerImages } {
    const wanted = this.#engines.find(({ isPodman }) => isPodman === (type === 'criCompatible'));
    const engine = wanted ?? this.#engines[0];
    const images = engine && this.#images.get(engine);
    if (engine === undefined || images === undefined) throw noEngine();
    return { engine, images };
  }

  /**
   * Makes the container and returns its id with the order that starts it. @throws StepFailure
   * @throws Stopped
   */
  async create(order: ContainerOrder): Promise<{ id: string; launch: LaunchOrder }> {
    const { settings, pool, signal } = order;
    if (pool === undefined) throw notSupported();
    const { engine, images } = this.#engineOf(pool);
    const registries = [...pool.registries, ...(settings.registry ? [settings.registry] : [])];
    // Nearly always it is there: to ask first would cost every task a call of the engine.
    const id = await this.#create(engine, order).catch(async (error: unknown) => {
      if (!(error instanceof StepFailure && error.code === 'ContainerInvalidImage')) throw error;
      await images.ensure(settings.imageName, registries, signal);
      return this.#create(engine, order);
    });
    if (signal.aborted) {
      await this.remove(id);
      throw new Stopped();
    }
    const { stdoutPath, stderrPath, taskDirectory, appends, place } = order;
    return {
      id,
      launch: {
        file: engine.program,
        argv: [engine.program, 'start', '--attach', id],
        // The mark by which what a run leaves is found.
        environment: { ...engine.environment, AZ_BATCH_TASK_DIR: taskDirectory },
        workingDirectory: place.workingDirectory,
        stdoutPath,
        stderrPath,
        guarded: true,
        ...(appends ? { appends } : {}),
      },
    };
  }

  async #create(engine: ContainerEngine, order: ContainerOrder): Promise<string> {
    const { settings, commandLine, environment, labels, place } = order;
    const { lines, byName } = containerEnvironment(environment);
    const directory = mkdtempSync(join(this.rootDirectory, AGENT_DIRECTORY, 'container-'));
    try {
      const file = join(directory, 'environment');
      writeFileSync(file, lines, { mode: 0o600 });
      const keepsOwnNumber = engine.isPodman && process.getuid?.() !== 0;
      const words = createArguments(
        settings,
        commandLine,
        { ...place, rootDirectory: this.rootDirectory, keepsOwnNumber },
        { [LABELS.node]: this.rootDirectory, ...labels },
        { file, byName: Object.keys(byName) },
      );
      const { workingDirectory } = place;
      const end = await engine.call(words, { environment: byName, workingDirectory });
      const id = end.stdout.split('\n').at(-1) ?? '';
      if (end.exitCode !== 0 || !CONTAINER_ID.test(id))
        throw createFailure(settings.imageName, end.stderr);
      this.#made.set(id, engine);
      return id;
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }

  /** Ends and removes a container; resolves when nothing of it runs, or the engine does not answer. */
  async remove(id: string): Promise<void> {
    const engine = this.#made.get(id);
    this.#made.delete(id);
    // One that an earlier agent made is of any of them.
    for (const one of engine === undefined ? this.#engines : [engine]) await remove(one, id);
  }

  /** What an agent made that died before it could start them. */
  async #removeNeverStarted(engine: ContainerEngine): Promise<void> {
    const words = ['ps', '--all', '--quiet', '--no-trunc', '--filter', 'status=created'];
    const list = await engine.call([
      ...words,
      '--filter',
      `label=${LABELS.node}=${this.rootDirectory}`,
    ]);
    if (list.exitCode !== 0) return;
    for (const id of list.stdout.split('\n'))
      if (CONTAINER_ID.test(id) && !this.#made.has(id)) await remove(engine, id);
  }
}

async function remove(engine: ContainerEngine, id: string): Promise<void> {
  for (let tries = 0; tries < REMOVALS_MAX; tries += 1) {
    // Podman would wait ten seconds for what ignores SIGTERM.
    const atOnce = engine.isPodman ? ['--time=0'] : [];
    const end = await engine.call(['rm', '--force', ...atOnce, id]);
    // One that removes itself at this moment is as good as gone.
    if (end.exitCode === 0 || /no such container|already in progress/i.test(end.stderr)) return;
  }
}

const noEngine = () =>
  new StepFailure(
    'NodePreparationError',
    'servererror',
    'The pool has a containerConfiguration, and the node has no container engine: neither docker nor podman is on its PATH, and BATCHYARD_CONTAINER_PROGRAM names none.',
  );

const notSupported = () =>
  new StepFailure(
    'ContainerPoolNotSupported',
    'usererror',
    "The task has containerSettings, and its pool's virtualMachineConfiguration has no containerConfiguration.",
  );
