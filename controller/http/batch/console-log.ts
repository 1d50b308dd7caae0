import { Readable } from 'node:stream';
import { BatchError } from '../../../protocol/batch/errors.js';
import { nodeKey, poolKey } from '../../../protocol/keys.js';
import type { Call } from '../call.js';
import { idOf } from './call-input.js';
import { sendKept, type KeptFile } from './kept-file.js';
import { readBoolean } from './list-query.js';
import { openBootLog } from './node-view.js';

/**
 * ComputeNode_GetConsoleLog: what the node's guest writes on its console; where nothing of it is there any
 * more, or with `kept=true`, what was kept of its last boot that failed.
 * @throws BatchError NodeNotFound, FileNotFound
 */
export async function sendConsoleLog(call: Call): Promise<void> {
  const key = nodeKey(poolKey(call.account, idOf(call, 'poolId')), idOf(call, 'nodeId'));
  const live = readBoolean(call, 'kept') ? undefined : await openConsole(call, key);
  const found = live ?? (await openBootLog(call, key, CONSOLE_FILE));
  if (found !== undefined) return sendKept(call, found);
  throw call.ports.view.nodes.has(key)
    ? new BatchError('FileNotFound', [{ key: 'FilePath', value: CONSOLE_FILE }])
    : new BatchError('NodeNotFound');
}

const CONSOLE_FILE = 'console.log';

async function openConsole(
  call: Call,
  key: ReturnType<typeof nodeKey>,
): Promise<KeptFile | undefined> {
  const console = await call.ports.consoles?.read(key);
  if (console === undefined) return undefined;
  const { text, skipped } = console;
  return {
    bytes: text.length,
    skipped,
    lastModified: call.ports.clock.now(),
    read: (start, end) => Promise.resolve(Readable.from([text.subarray(start, end + 1)])),
    close: () => Promise.resolve(),
  };
}
