import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { RunUser } from '../node/users.js';
import { StepFailure } from './failure.js';
import { may } from './ownership.js';

/**
 * Finds the file of a program: a name with a slash counts from the working directory, any other is
 * looked for along PATH, as the system does it for whoever runs it: folders and files that are closed to
 * `user` (absent: the agent's own) are passed over. Throws CommandProgramNotFound where there is none.
 */
export function findProgram(
  name: string,
  searchPath: string,
  workingDirectory: string,
  user?: RunUser,
): string {
  if (name.startsWith('/')) return name;
  if (name.includes('/')) return `${workingDirectory}/${name}`;
  let unfit: string | undefined;
  for (const directory of searchPath.split(':')) {
    const folder = directory.startsWith('/') ? directory : join(workingDirectory, directory);
    const file = `${folder}/${name}`;
    if (statOrNothing(file)?.isFile() !== true) continue;
    if (user === undefined ? isExecutable(file) : mayRun(user, file, workingDirectory)) return file;
    unfit ??= file;
  }
  if (unfit !== undefined) return unfit;
  throw new StepFailure(
    'CommandProgramNotFound',
    'usererror',
    `The program ${name} was not found along PATH (${searchPath}).`,
  );
}

/** Says why the system did not start a program, by the contract's two codes. */
export function launchFailure(file: string, code: string): StepFailure {
  if (code === 'ENOENT' && statOrNothing(file) === undefined) {
    return new StepFailure(
      'CommandProgramNotFound',
      'usererror',
      `The program ${file} was not found.`,
    );
  }
  const reasons: Record<string, string> = {
    EACCES: 'it is not an executable file',
    ENOEXEC: 'its format is not executable: a script needs a first line such as #!/bin/sh',
    ENOENT: 'the interpreter that it names does not exist',
    ENOTDIR: 'a part of its path is not a directory',
    E2BIG: 'its command line and environment are larger than the system allows',
    EISDIR: 'it is a directory',
  };
  return new StepFailure(
    'CommandLaunchFailed',
    'usererror',
    `The program ${file} could not be started: ${reasons[code] ?? code}.`,
    [{ name: 'Error', value: code }],
  );
}

function statOrNothing(file: string) {
  try {
    return statSync(file, { throwIfNoEntry: false });
  } catch {
    return undefined; // A path through something that is no directory leads nowhere.
  }
}

export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Whether the user may pass every folder above a file and run it; setpriv does not ask, since it has the
 * rights of root until the file is the program. What is in the working directory becomes the user's first.
 */
export function mayRun(user: RunUser, file: string, workingDirectory: string): boolean {
  try {
    const real = realpathSync(file);
    if (real.startsWith(`${realpathSync(workingDirectory)}/`)) return true;
    for (let at = real.indexOf('/', 1); at > 0; at = real.indexOf('/', at + 1))
      if (!may(user, statSync(real.slice(0, at)), 'run')) return false;
    return may(user, statSync(real), 'run');
  } catch {
    return false;
  }
}
