import { spawn } from 'node:child_process';
import { accessSync, closeSync, constants as files, openSync } from 'node:fs';
import { constants } from 'node:os';
import { systemCode } from './failure.js';
import { LaunchError, type Launcher, type LaunchOrder, type ProcessEnd } from './launcher.js';

/** Node's own spawn: slower and without CPU figures, for systems where posix_spawn can't be called. */
export function createNodeLauncher(): Launcher {
  return {
    kind: 'node',
    launch(order: LaunchOrder, ended: (end: ProcessEnd) => void): number {
      const outputs: number[] = [];
      try {
        for (const path of [order.stdoutPath, order.stderrPath])
          outputs.push(openSync(path, 'w', 0o640));
        const child = spawn(order.file, order.argv.slice(1), {
          argv0: order.argv[0] ?? order.file,
          cwd: order.workingDirectory,
          env: order.environment,
          stdio: ['ignore', ...outputs],
          detached: true,
        });
        // Without a listener the failure that is thrown below would also end this program.
        child.on('error', () => undefined);
        child.on('exit', (exitCode, signal) =>
          ended({ exitCode: exitCode ?? -(constants.signals[signal ?? 'SIGKILL'] ?? 0) }),
        );
        if (child.pid !== undefined) return child.pid;
        // Node tells the reason only in the next turn; looking at the file tells it now.
        accessSync(order.file, files.X_OK);
        throw new LaunchError('ENOEXEC', order.file);
      } catch (error) {
        if (error instanceof LaunchError) throw error;
        throw new LaunchError(systemCode(error), order.file);
      } finally {
        for (const output of outputs) closeSync(output);
      }
    },
    close() {
      return;
    },
  };
}
