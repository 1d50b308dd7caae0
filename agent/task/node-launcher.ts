import { spawn } from 'node:child_process';
import { accessSync, closeSync, constants as files, openSync, readSync } from 'node:fs';
import { constants } from 'node:os';
import { systemCode } from './failure.js';
import {
  LaunchError,
  outputFlags,
  type LaunchCallbacks,
  type Launcher,
  type LaunchOrder,
} from './launcher.js';
import { signalGroup } from './session.js';

/** Node's own spawn: slower and without CPU figures, for systems where posix_spawn can't be called. */
export function createNodeLauncher(): Launcher {
  return {
    launch(order, callbacks) {
      try {
        start(order, callbacks);
      } catch (error) {
        const code = error instanceof LaunchError ? error.code : systemCode(error);
        setImmediate(() => callbacks.failed(new LaunchError(code, order.file)));
      }
    },
    sweepGroup(leader) {
      signalGroup(leader, 'SIGKILL');
    },
  };
}

function start(order: LaunchOrder, callbacks: LaunchCallbacks): void {
  const outputs: number[] = [];
  try {
    checkFormat(order.file);
    for (const path of [order.stdoutPath, order.stderrPath])
      outputs.push(openSync(path, outputFlags(order), 0o640));
    const child = spawn(order.file, order.argv.slice(1), {
      argv0: order.argv[0] ?? order.file,
      cwd: order.workingDirectory,
      env: order.environment,
      stdio: ['ignore', ...outputs],
      detached: true,
    });
    // Without a listener the failure that is thrown below would also end this program.
    child.on('error', () => undefined);
    const { pid } = child;
    if (pid === undefined) {
      // Node tells the reason only in the next turn; the program is fit, so its interpreter is not.
      throw new LaunchError('ENOENT', order.file);
    }
    setImmediate(() => callbacks.started(pid));
    child.on('exit', (exitCode, signal) =>
      setImmediate(() =>
        callbacks.ended({ exitCode: exitCode ?? -(constants.signals[signal ?? 'SIGKILL'] ?? 0) }),
      ),
    );
  } finally {
    for (const output of outputs) closeSync(output);
  }
}

/** Node would hand a text without `#!` to a shell; here it is refused, as posix_spawn does. */
function checkFormat(file: string): void {
  accessSync(file, files.X_OK);
  const input = openSync(file, 'r');
  try {
    const head = Buffer.alloc(4);
    readSync(input, head, 0, 4, 0);
    const text = head.toString('latin1');
    if (text !== '\x7fELF' && !text.startsWith('#!')) throw new LaunchError('ENOEXEC', file);
  } finally {
    closeSync(input);
  }
}
