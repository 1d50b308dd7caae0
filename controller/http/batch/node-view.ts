import { BatchError } from '../../../protocol/batch/errors.js';
import { nodeKey, poolKey, startTaskRunsKey } from '../../../protocol/keys.js';
import type { NodeKey } from '../../../protocol/keys.js';
import type { Call } from '../call.js';
import type { KeptFile } from './kept-file.js';
import type { FileView } from './node-file.js';

/** Logs of one node that are looked through. */
const BOOTS_MAX = 1_000;

/** The files of a node from its root: `startup`, `shared`, `workitems` … */
export function nodeView(call: Call, ids: { poolId: string; nodeId: string }): FileView {
  const { view } = call.ports;
  const pool = poolKey(call.account, ids.poolId);
  const key = nodeKey(pool, ids.nodeId);
  const isGone = !view.nodes.has(key);
  const unknown = new BatchError(view.pools.has(pool) ? 'NodeNotFound' : 'PoolNotFound');
  const log = /^startup\/(stdout\.txt|stderr\.txt)$/.exec(call.ids['filePath'] ?? '')?.[1];
  if (isGone && log === undefined) throw unknown;
  return {
    node: key,
    directory: '',
    url: `${call.baseUrl}/pools/${ids.poolId}/nodes/${ids.nodeId}/files`,
    unavailable: (error) => (isGone ? unknown : error),
    kept: (path) =>
      path === `startup/${log ?? ''}`
        ? openBootLog(call, key, log ?? '')
        : Promise.resolve(undefined),
  };
}

/** Of the latest boot of which this log is kept. */
export async function openBootLog(
  call: Call,
  node: NodeKey,
  file: string,
): Promise<KeptFile | undefined> {
  const { reader, keptLogs } = call.ports;
  const kept = await reader.keptLogsOf(startTaskRunsKey(node), BOOTS_MAX);
  const [latest] = kept
    .filter(({ blob }) => blob.endsWith(`/${file}`))
    // `{account}/{container}/nodes/{pool}/{node}/{incarnation}/…`, with the run if it is a start task's.
    .map(({ blob }) => blob.split('/').slice(5, -1).map(Number))
    .map(([incarnation = 0, run]) => ({ incarnation, ...(run === undefined ? {} : { run }) }))
    .sort((a, b) => b.incarnation - a.incarnation || (b.run ?? -1) - (a.run ?? -1));
  return latest === undefined ? undefined : keptLogs?.open({ kind: 'boot', node, ...latest }, file);
}
