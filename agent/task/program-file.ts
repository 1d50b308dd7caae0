import { accessSync, constants, statSync } from 'node:fs';
import { StepFailure } from './failure.js';

/**
 * Finds the file of a program: a name with a slash counts from the working directory, any other is
 * looked for along PATH. Throws CommandProgramNotFound where there is none.
 */
export function findProgram(name: string, searchPath: string, workingDirectory: string): string {
  if (name.startsWith('/')) return name;
  if (name.includes('/')) return `${workingDirectory}/${name}`;
  let unfit: string | undefined;
  for (const directory of searchPath.split(':')) {
    const file = directory === '' ? `${workingDirectory}/${name}` : `${directory}/${name}`;
    if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) continue;
    if (isExecutable(file)) return file;
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

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
