import { BatchError } from '../../../protocol/batch/errors.js';
import type { AccountKey } from '../../../protocol/keys.js';
import { formatTime } from '../../../protocol/time.js';
import type { PastNode } from '../../core/account/state.js';
import type { ListInput, QueryContext } from '../context.js';
import { listFilter } from '../filterable.js';
import { matches } from '../matches.js';
import { page } from '../paging.js';
import type { ListReply } from '../paging.js';
import { allRows, vcpusOf } from '../statistics.js';

const INTERVAL_MS = 30 * 60_000;
const HOUR_MS = 60 * 60_000;
/** Intervals of one answer: a month. */
const INTERVALS_MAXIMUM = 31 * 48;

/**
 * Pool_ListUsageMetrics: core hours of each pool in each half hour that lies in the asked time whole; of
 * the last closed one where no time is asked. Intervals without a node are left out.
 */
export async function poolListUsageMetrics(
  context: QueryContext,
  input: ListInput & { startTime?: number; endTime?: number },
): Promise<ListReply> {
  const filter = listFilter('usageMetrics', input.account, input.filter);
  const now = context.now ?? 0;
  const closed = Math.floor(now / INTERVAL_MS) * INTERVAL_MS;
  const end = Math.min(input.endTime ?? closed, closed);
  const asked = input.startTime ?? end - INTERVAL_MS;
  const start = Math.ceil(asked / INTERVAL_MS) * INTERVAL_MS;
  if (end - start > INTERVALS_MAXIMUM * INTERVAL_MS)
    throw new BatchError('OutOfRangeQueryParameterValue', [
      { key: 'QueryParameterName', value: 'starttime' },
      { key: 'QueryParameterValue', value: formatTime(asked) },
      { key: 'Reason', value: 'At most 31 days can be asked for at once.' },
    ]);
  const nodes = await nodesOf(context, input.account, now);
  const all: Metrics[] = [];
  for (let from = start; from + INTERVAL_MS <= end; from += INTERVAL_MS)
    all.push(...metricsOf(nodes, from, from + INTERVAL_MS));
  const metrics = all
    .filter((one) => filter === undefined || matches(filter, one))
    .map((body) => ({ key: keyOf(body), body }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const { rows, ...more } = await page('poolusagemetrics', input, (after, limit) =>
    Promise.resolve(
      metrics.filter(({ key }) => after === undefined || key > after).slice(0, limit),
    ),
  );
  return { value: rows.map(({ body }) => body), ...more };
}

interface Metrics {
  poolId: string;
  startTime: string;
  endTime: string;
  vmSize: string;
  totalCoreHours: number;
}

const keyOf = (one: Metrics): string =>
  [one.startTime, one.poolId, one.vmSize].join('|').toLowerCase();

async function nodesOf(context: QueryContext, account: AccountKey, now: number) {
  const nodes: PastNode[] = [];
  for await (const pool of allRows(context, 'pool', account)) {
    const { vmSize } = pool.specification;
    const vcpus = vcpusOf(context, pool);
    for await (const { allocationTime } of allRows(context, 'node', pool.key))
      nodes.push({ poolId: pool.id, vmSize, vcpus, from: allocationTime, to: now });
  }
  const row = await context.reader.get('account', account);
  return [...nodes, ...(row?.past?.nodes ?? [])];
}

function metricsOf(nodes: readonly PastNode[], from: number, to: number): Metrics[] {
  const hours = new Map<string, { poolId: string; vmSize: string; hours: number }>();
  for (const node of nodes) {
    const ms = Math.min(node.to, to) - Math.max(node.from, from);
    if (ms <= 0) continue;
    const vmSize = node.vmSize.toLowerCase();
    const key = `${node.poolId.toLowerCase()}/${vmSize}`;
    const sum = hours.get(key) ?? { poolId: node.poolId, vmSize, hours: 0 };
    sum.hours += (ms / HOUR_MS) * node.vcpus;
    hours.set(key, sum);
  }
  return [...hours.values()].map((sum) => ({
    poolId: sum.poolId,
    startTime: formatTime(from),
    endTime: formatTime(to),
    vmSize: sum.vmSize,
    totalCoreHours: sum.hours,
  }));
}
