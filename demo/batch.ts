import batch from '@azure/batch';
import type { BatchServiceModels } from '@azure/batch';
import { DemoFailure } from './log.js';

export type Client = batch.BatchServiceClient;
export type CloudTask = BatchServiceModels.CloudTask;
export type ComputeNode = BatchServiceModels.ComputeNode;

const POLL_MS = 300;

/** The official client, unchanged. */
export function connect(url: string, account: string, key: string): Client {
  return new batch.BatchServiceClient(new batch.BatchSharedKeyCredentials(account, key), url);
}

/** Every page of a list. */
async function all<T>(
  first: Promise<T[] & { odatanextLink?: string }>,
  next: (link: string) => Promise<T[] & { odatanextLink?: string }>,
): Promise<T[]> {
  const items: T[] = [];
  for (let page = await first; ; page = await next(page.odatanextLink)) {
    items.push(...page);
    if (page.odatanextLink === undefined) return items;
  }
}

export const tasksOf = (client: Client, jobId: string): Promise<CloudTask[]> =>
  all(client.task.list(jobId), (link) => client.task.listNext(link));

export const nodesOf = (client: Client, poolId: string): Promise<ComputeNode[]> =>
  all(client.computeNode.list(poolId), (link) => client.computeNode.listNext(link));

/** Text of a task's file. */
export async function textOf(
  client: Client,
  jobId: string,
  taskId: string,
  path: string,
): Promise<string> {
  const { readableStreamBody } = await client.file.getFromTask(jobId, taskId, path);
  const parts: Buffer[] = [];
  for await (const part of readableStreamBody ?? []) parts.push(Buffer.from(part));
  return Buffer.concat(parts).toString('utf8');
}

/**
 * Asks until the answer is there.
 * @throws DemoFailure that names `what`, the limit and the last thing seen
 */
export async function until<T>(
  what: string,
  limitSeconds: number,
  probe: () => Promise<T | undefined>,
  seen: () => string = () => '',
): Promise<T> {
  const end = Date.now() + limitSeconds * 1000;
  for (;;) {
    const answer = await probe();
    if (answer !== undefined) return answer;
    if (Date.now() > end)
      throw new DemoFailure(`${what}: not within ${limitSeconds} s${seen() && ` (${seen()})`}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
