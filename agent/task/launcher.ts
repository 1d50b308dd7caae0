import { constants } from 'node:fs';

/** One process to start: everything absolute, nothing to be looked up. */
export interface LaunchOrder {
  file: string;
  argv: string[];
  environment: Record<string, string>;
  workingDirectory: string;
  stdoutPath: string;
  stderrPath: string;
  /** Adds to output files that an earlier process of the try has begun. */
  appends?: boolean;
  /** The output files' directory is another user's: they are opened without following links or waiting. */
  guarded?: boolean;
}

/** How output files are opened. */
export function outputFlags({ appends, guarded }: LaunchOrder): number {
  const flags = constants.O_WRONLY | constants.O_CREAT;
  return (
    flags |
    (appends === true ? constants.O_APPEND : constants.O_TRUNC) |
    (guarded === true ? constants.O_NOFOLLOW | constants.O_NONBLOCK : 0)
  );
}

export interface ProcessEnd {
  /** As the process gave it; minus the signal's number for a death by signal. */
  exitCode: number;
  /** Epoch milliseconds; absent: just now. */
  endTime?: number;
  userCpuMs?: number;
  kernelCpuMs?: number;
}

/** The system refused to start the process; `code` is its name for the reason (`ENOENT`, `EACCES` …). */
export class LaunchError extends Error {
  constructor(
    readonly code: string,
    file: string,
  ) {
    super(`${file}: ${code}`);
    this.name = 'LaunchError';
  }
}

/** What becomes of a launch: `started` and later `ended`, or `failed` alone. */
export interface LaunchCallbacks {
  started(pid: number): void;
  failed(error: LaunchError): void;
  ended(end: ProcessEnd): void;
}

/**
 * Starts processes, each the leader of a session of its own, with default signals, standard input from
 * /dev/null and output files that are fresh unless the order says otherwise.
 */
export interface Launcher {
  /** The callbacks come in a later turn, never inside this call. */
  launch(order: LaunchOrder, callbacks: LaunchCallbacks): void;
  /** Kills what is left of a group whose leader has ended. */
  sweepGroup(leader: number): void;
}
