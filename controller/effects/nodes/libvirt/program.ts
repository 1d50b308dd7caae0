import { spawn } from 'node:child_process';

const OUTPUT_CHARACTERS_MAX = 64 * 1024;

/** A program of the host that is not there, took too long or failed; the message names it and its own words. */
class ProgramError extends Error {
  override readonly name = 'ProgramError';
}

/**
 * Runs a program without a shell and resolves to its standard output.
 * @param debianPackage who has the program, for the error where it is missing
 */
export function runProgram(
  command: string,
  args: readonly string[],
  options: { debianPackage: string; timeoutMs: number },
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: options.timeoutMs,
      killSignal: 'SIGKILL',
      env: { ...process.env, LC_ALL: 'C' },
    });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        output[name] = (output[name] + text).slice(-OUTPUT_CHARACTERS_MAX);
      });
    }
    child.on('error', (error: NodeJS.ErrnoException) => {
      const missing = error.code === 'ENOENT';
      const cure = `it is not installed; on Debian: apt-get install -y ${options.debianPackage}`;
      reject(
        new ProgramError(`${command} could not be started: ${missing ? cure : error.message}`, {
          cause: error,
        }),
      );
    });
    child.on('close', (code, signal) => {
      if (code === 0) resolve(output.stdout);
      else
        reject(
          new ProgramError(
            `${command} ended with ${String(code ?? signal)}: ${lastLine(output.stderr)}`,
          ),
        );
    });
  });
}

const lastLine = (text: string) => text.trim().split('\n').at(-1) ?? '';
