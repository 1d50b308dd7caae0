import { BatchError } from '../../../protocol/batch/errors.js';
import { jobKey } from '../../../protocol/keys.js';
import type { ListInput, QueryContext } from '../context.js';
import { listFilter } from '../filterable.js';
import type { ListReply } from '../paging.js';
import { rowPage } from '../rows.js';
import { parseSelect, selectedNames } from '../select.js';
import { wantsStats } from '../statistics.js';
import { taskStats } from './stats.js';
import { cloudTask, TASK_PROPERTIES } from './wire.js';

/** Properties that the row alone tells: a list that selects no others reads no bodies. */
const OF_THE_ROW: readonly string[] = [
  'id',
  'url',
  'eTag',
  'lastModified',
  'creationTime',
  'state',
  'stateTransitionTime',
  'previousState',
  'previousStateTransitionTime',
  'constraints',
  'requiredSlots',
  'executionInfo',
  'nodeInfo',
  'stats',
];

const needsBodies = (select: string | undefined): boolean =>
  selectedNames(select)?.some((name) => !OF_THE_ROW.includes(name)) ?? true;

/** Task_List. @throws BatchError JobNotFound */
export async function taskList(
  context: QueryContext,
  input: ListInput & { jobId: string },
): Promise<ListReply> {
  const { reader, baseUrl } = context;
  const expands = wantsStats(input);
  const select = parseSelect(input.select, TASK_PROPERTIES);
  const filter = listFilter('tasks', input.account, input.filter);
  const scope = jobKey(input.account, input.jobId);
  const job = await reader.get('job', scope);
  if (job === undefined) throw new BatchError('JobNotFound');
  const listing = { name: `tasks of ${scope}`, scope, filter };
  const { rows, ...more } = await rowPage(reader, 'task', listing, input);
  const keys = needsBodies(input.select) ? rows.map(({ key }) => key) : [];
  const bodies = keys.length === 0 ? undefined : await reader.taskBodies(keys);
  return {
    value: rows.map((task) =>
      select({
        ...cloudTask(task, bodies?.get(task.key), job, baseUrl),
        ...(expands && taskStats(context, task, job)),
      }),
    ),
    ...more,
  };
}
