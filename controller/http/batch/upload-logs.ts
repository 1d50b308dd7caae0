import { createHash, randomUUID } from 'node:crypto';
import { BatchError } from '../../../protocol/batch/errors.js';
import type { NodeUploadLogs } from '../../../protocol/batch/node.js';
import { nodeKey, poolKey } from '../../../protocol/keys.js';
import { readNode } from '../../queries/compute-node/read.js';
import type { Call } from '../call.js';
import { idsOf, queryContext } from './call-input.js';
import { sendJson } from './reply.js';

/**
 * ComputeNode_UploadBatchServiceLogs: asks the node's agent to send its own log files; they arrive after
 * the answer. Whatever the times asked for, whole files are sent.
 */
export async function uploadBatchServiceLogs(call: Call<NodeUploadLogs>): Promise<void> {
  const { account, ports, body } = call;
  const { poolId, nodeId } = idsOf(call, 'poolId', 'nodeId');
  const { node, pool } = await readNode(queryContext(call), { account, poolId, nodeId });
  const name = createHash('sha256').update(account).digest('hex').slice(0, 16).toUpperCase();
  const directory = `batch-${name}/${pool.id}/${node.id}/${randomUUID()}`;
  const key = nodeKey(poolKey(account, poolId), nodeId);
  const containerUrl = ports.nodeUrl?.(key, body.containerUrl) ?? body.containerUrl;
  const request = { type: 'uploadLogs', containerUrl, directory } as const;
  const answer = await ports.nodeFiles.request(key, request);
  if (answer.type !== 'uploading') throw new BatchError('NodeNotReady');
  sendJson(call, 'Microsoft.Azure.Batch.Protocol.Entities.UploadBatchServiceLogsResult', {
    virtualDirectoryName: directory,
    numberOfFilesUploaded: answer.files,
  });
}
