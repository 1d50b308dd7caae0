import type { BatchServiceClient, BatchServiceModels } from '@azure/batch';
import { waitFor } from './wait-for.js';

/** What a pool of process nodes needs: the embedded image and a size. */
export const PROCESS_POOL = {
  vmSize: 'standard_d2_v2',
  virtualMachineConfiguration: {
    imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local', version: 'latest' },
    nodeAgentSKUId: 'batch.node.process',
  },
} satisfies Partial<BatchServiceModels.PoolAddParameter>;

/** A command line for `sh`; the script may hold no single quote. */
export const sh = (script: string) => `/bin/sh -c '${script}'`;

/** Runs until the test lets it end or something kills it. */
export const LONG = sh('sleep 120');

/** The HTTP status that the client was answered with. */
export const statusOf = (answer: { _response: { status: number } }) => answer._response.status;

/** What a refusal is compared with. */
export const refusal = (statusCode: number, code: string) => ({ statusCode, code });

/** Waits for states, as a script around the official client would. */
export function waits(client: BatchServiceClient) {
  return {
    task: (jobId: string, taskId: string, state = 'completed') =>
      waitFor(`task ${taskId} of ${jobId} to be ${state}`, async () => {
        const task = await client.task.get(jobId, taskId);
        return task.state === state && task;
      }),
    job: (jobId: string, state: string, timeoutMs = 20_000) =>
      waitFor(
        `job ${jobId} to be ${state}`,
        async () => {
          const job = await client.job.get(jobId);
          return job.state === state && job;
        },
        { timeoutMs },
      ),
    jobGone: (jobId: string) =>
      waitFor(`job ${jobId} to be gone`, async () =>
        client.job.get(jobId).then(
          () => false,
          (error: unknown) => (error as { code?: string }).code === 'JobNotFound',
        ),
      ),
    steady: (poolId: string) =>
      waitFor(`pool ${poolId} to be steady`, async () => {
        const pool = await client.pool.get(poolId);
        return pool.allocationState === 'steady' && pool;
      }),
    poolGone: (poolId: string) =>
      waitFor(`pool ${poolId} to be gone`, async () => !(await client.pool.exists(poolId)).body),
    /** All nodes of the pool in this state, at least `count` of them. */
    nodes: (poolId: string, state: string, count = 1) =>
      waitFor(`${String(count)} nodes of ${poolId} to be ${state}`, async () => {
        const nodes = await client.computeNode.list(poolId);
        return nodes.length === count && nodes.every((node) => node.state === state) && [...nodes];
      }),
    node: (poolId: string, nodeId: string, state: string) =>
      waitFor(`node ${nodeId} to be ${state}`, async () => {
        const node = await client.computeNode.get(poolId, nodeId);
        return node.state === state && node;
      }),
  };
}
