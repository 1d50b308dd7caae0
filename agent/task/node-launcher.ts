import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
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
        for (const path of [order.stdoutPath, order.stderrPath]) outputs.push(openSync(path, 'w', 0o640));
        const child = spawn(order.file, order.argv.slice(1), {
          argv0: order.argv[0] ?? order.file,
          cwd: order.workingDirectory,
          env: order.environment,
          stdio: ['ignore', ...outputs],
          detached: true,
        });
        let code = '';
        child.on('error', (error) => (code = systemCode(error)));
        child.on('exit', (exitCode, signal) =>
          ended({ exitCode: exitCode ?? -(constants.signals[signal ?? 'SIGKILL'] ?? 0) }),
        );
        if (child.pid !== undefined) return child.pid;
        // Node reports the reason in the next turn; what it can be is found out by looking at the file.
        throw new LaunchError(code === '' ? 'ENOENT' : code, order.file);
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
