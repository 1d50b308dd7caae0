import { writeLog } from '../task/upload-logs.js';

/** Where the log is kept for those who ask for it, once the node has a directory. */
let logDirectory: string | undefined;

/** From now on the lines are kept below this root too. */
export function keepLogBelow(rootDirectory: string): void {
  logDirectory = rootDirectory;
}

/** A line to standard error, and to the node's own log file once there is one. */
export function log(text: string): void {
  const line = `${new Date(Date.now()).toISOString()} agent: ${text}\n`;
  process.stderr.write(line);
  try {
    if (logDirectory !== undefined) writeLog(logDirectory, line);
  } catch (error) {
    // A full disk must not end the agent: standard error still has the line.
    process.stderr.write(`the log could not be written: ${textOf(error)}\n`);
  }
}
export const textOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
