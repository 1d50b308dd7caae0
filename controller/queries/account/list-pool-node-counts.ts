import { LIMITS } from '../../../protocol/batch/limits.js';
import type { NodeState } from '../../core/node/state.js';
import type { NodeCount } from '../../engine/reader.js';
import type { ListInput, QueryContext } from '../context.js';
import { listFilter } from '../filterable.js';
import type { ListReply } from '../paging.js';
import { rowPage } from '../rows.js';

/** The wire's name of each state's count. */
const NAMES: Record<NodeState, string> = {
  creating: 'creating',
  idle: 'idle',
  offline: 'offline',
  preempted: 'preempted',
  rebooting: 'rebooting',
  reimaging: 'reimaging',
  running: 'running',
  starting: 'starting',
  starttaskfailed: 'startTaskFailed',
  leavingpool: 'leavingPool',
  unknown: 'unknown',
  unusable: 'unusable',
  waitingforstarttask: 'waitingForStartTask',
};

/** Account_ListPoolNodeCounts: every pool, both kinds of nodes, zeros included. */
export async function accountListPoolNodeCounts(
  context: QueryContext,
  input: ListInput,
): Promise<ListReply> {
  const { reader } = context;
  const filter = listFilter('nodeCounts', input.account, input.filter);
  const listing = { name: 'nodecounts', scope: input.account, filter };
  const { rows, ...more } = await rowPage(
    reader,
    'pool',
    listing,
    input,
    LIMITS.nodeCountsPageSize,
  );
  const counts = await reader.nodeCounts(rows.map(({ key }) => key));
  return {
    value: rows.map(({ key, id }) => {
      const own = counts.filter(({ pool }) => pool === key);
      return {
        poolId: id,
        dedicated: block(own.filter(({ isDedicated }) => isDedicated)),
        lowPriority: block(own.filter(({ isDedicated }) => !isDedicated)),
      };
    }),
    ...more,
  };
}

function block(counts: readonly NodeCount[]): Record<string, number> {
  const result: Record<string, number> = {};
  for (const name of Object.values(NAMES)) result[name] = 0;
  let total = 0;
  for (const { state, count } of counts) {
    result[NAMES[state]] = count;
    total += count;
  }
  return { ...result, total };
}
