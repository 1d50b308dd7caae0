import { execFile } from 'node:child_process';
import { basename, join } from 'node:path';
import { isExecutable } from '../program-file.js';

/** What of the agent's environment says where its engine is; nothing else reaches the engine's program. */
const PASSED = [
  'PATH',
  'HOME',
  'DOCKER_HOST',
  'DOCKER_CONTEXT',
  'DOCKER_CERT_PATH',
  'DOCKER_TLS_VERIFY',
  'CONTAINER_HOST',
  'CONTAINERS_CONF',
  'CONTAINERS_STORAGE_CONF',
  'CONTAINERS_REGISTRIES_CONF',
  'XDG_RUNTIME_DIR',
];
const PROGRAM_VARIABLE = 'BATCHYARD_CONTAINER_PROGRAM';
const PROGRAMS = ['docker', 'podman'];
/** Answers are numbers, names and errors. */
const OUTPUT_BYTES_MAX = 1024 * 1024;
/** An engine that does not answer for so long is not waited for. */
const CALL_TIMEOUT_MS = 60_000;

export interface CallOptions {
  environment?: Record<string, string>;
  workingDirectory?: string;
  signal?: AbortSignal;
  timeoutMs?: number;
}

/** How a call of the engine's program ended; -1: it was stopped, or took too long. */
export interface CallEnd {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** Docker or Podman, by its program. */
export class ContainerEngine {
  readonly isPodman: boolean;

  constructor(
    readonly program: string,
    readonly environment: Readonly<Record<string, string>>,
  ) {
    this.isPodman = basename(program).startsWith('podman');
  }

  /** The program that BATCHYARD_CONTAINER_PROGRAM names, else docker and podman as far as they are on PATH. */
  static findAll(own: NodeJS.ProcessEnv, rootDirectory: string): ContainerEngine[] {
    // The mark by which the node's processes are found.
    const environment: Record<string, string> = { AZ_BATCH_NODE_ROOT_DIR: rootDirectory };
    for (const name of PASSED) {
      const value = own[name];
      if (value !== undefined && value !== '') environment[name] = value;
    }
    const named = own[PROGRAM_VARIABLE] ?? '';
    const folders = (environment.PATH ?? '').split(':').filter((folder) => folder !== '');
    const programs =
      named === ''
        ? PROGRAMS.map((name) => folders.map((folder) => join(folder, name)).find(isExecutable))
        : [isExecutable(named) ? named : undefined];
    return programs
      .filter((program) => program !== undefined)
      .map((program) => new ContainerEngine(program, environment));
  }

  /** Calls the program; never rejects. */
  call(words: readonly string[], options: CallOptions = {}): Promise<CallEnd> {
    const { environment, workingDirectory, signal, timeoutMs = CALL_TIMEOUT_MS } = options;
    return new Promise((resolve) => {
      execFile(
        this.program,
        [...words],
        {
          cwd: workingDirectory ?? '/',
          env: { ...this.environment, ...environment },
          ...(signal === undefined ? {} : { signal }),
          timeout: timeoutMs,
          killSignal: 'SIGKILL',
          maxBuffer: OUTPUT_BYTES_MAX,
        },
        (error, stdout, stderr) => {
          const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
          const reason = stderr.trim() === '' && error !== null ? error.message : stderr.trim();
          resolve({ exitCode, stdout: stdout.trim(), stderr: reason });
        },
      );
    });
  }
}
