import { appendFileSync, renameSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AGENT_DIRECTORY } from '../node/directories.js';
import type { HttpClient } from '../node/http.js';
import { uploadOutputFiles } from './output-files.js';
import { TRANSFER_LIMITS } from './transfer.js';

/** The present file is put aside at this size; the one that was aside goes. */
const LOG_BYTES_MAX = 1024 * 1024;
const LOG_FILES = ['agent.log', 'agent.log.1'] as const;

/** Adds a line to the agent's own log below the node's root. */
export function writeLog(rootDirectory: string, line: string): void {
  const file = join(rootDirectory, AGENT_DIRECTORY, LOG_FILES[0]);
  appendFileSync(file, line, { mode: 0o600 });
  if (statSync(file).size > LOG_BYTES_MAX)
    renameSync(file, join(rootDirectory, AGENT_DIRECTORY, LOG_FILES[1]));
}

/** The agent's log files there are, and their upload to `{containerUrl}/{directory}/…`. */
export async function uploadLogs(
  rootDirectory: string,
  client: HttpClient,
  { containerUrl, directory }: { containerUrl: string; directory: string },
): Promise<{ files: number; done: Promise<void> }> {
  const top = join(rootDirectory, AGENT_DIRECTORY);
  const names = (await readdir(top)).filter((name) => LOG_FILES.some((one) => one === name));
  const outputs = names.map((name) => ({
    filePattern: `${top}/${name}`,
    containerUrl,
    path: `${directory}/${name}`,
    uploadCondition: 'taskcompletion' as const,
  }));
  const done = uploadOutputFiles(outputs, {
    client,
    taskDirectory: top,
    environment: {},
    succeeded: true,
    signal: new AbortController().signal,
    limits: TRANSFER_LIMITS,
  });
  return { files: names.length, done };
}
