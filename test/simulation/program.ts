import type { FailureInfo } from '../../protocol/agent/event.js';

/** What an agent says of a task that ends before its process. */
export const FILE_MISSING: FailureInfo = {
  category: 'usererror',
  code: 'ResourceFileMissing',
  message: 'a file of the task is not there',
  details: [],
};

/** What a simulated command line says of its process: `simulate ms=250 exit=0 fails=2 [unprepared] [stubborn]`. */
export interface SimulatedProgram {
  ms: number;
  exitCode: number;
  /** So many first attempts exit with 1. */
  fails: number;
  /** Its files can't be fetched. */
  unprepared: boolean;
  /** Ignores SIGTERM. */
  stubborn: boolean;
}

export const commandLineOf = ({ ms, exitCode, fails, unprepared, stubborn }: SimulatedProgram) =>
  `simulate ms=${ms} exit=${exitCode} fails=${fails}${unprepared ? ' unprepared' : ''}${stubborn ? ' stubborn' : ''}`;

export function programOf(commandLine: string): SimulatedProgram {
  const numberOf = (name: string) =>
    Number(new RegExp(`${name}=(-?\\d+)`).exec(commandLine)?.[1] ?? 0);
  return {
    ms: numberOf('ms'),
    exitCode: numberOf('exit'),
    fails: numberOf('fails'),
    unprepared: commandLine.includes(' unprepared'),
    stubborn: commandLine.includes(' stubborn'),
  };
}
