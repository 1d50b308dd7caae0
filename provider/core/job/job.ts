import { accountOf, markedMetadata, userMetadata } from '../account-of.js';
import { addOrAdopt } from '../adopt.js';
import { deleteChild, idOf, nameOf, outputsOf, readChild, titleOf, type Child } from '../child.js';
import { diffResult } from '../compare.js';
import { about, isCode, onceMade } from '../failure.js';
import { listOf, objectOf, same, sameMeaning, type Properties } from '../json.js';
import type { DiffResult, Kind } from '../kind.js';
import { programToInput } from '../program.js';
import type { DataPlane, Ports } from '../ports.js';
import { withSecretsOf } from '../secrets.js';
import { timeoutMs, waitUntil } from '../wait.js';
import { normalPair, wireChanges, wireCheck } from '../wire-kind.js';
import { addTasks, TasksRefused } from '../task/add.js';
import { normalTask, taskKey, tasksToWire } from '../task/wire.js';
import { JOB_PATCHABLE, JOB_SHAPE, jobWire, taskFailures } from './wire.js';

const child: Child = {
  noun: 'Job',
  words: 'job',
  collection: 'jobs',
  wire: jobWire,
  operations: (data) => data.job,
  asFound,
  computed: (found) => ({ creationTime: found.creationTime }),
};
const jobIdOf = (props: Properties) => nameOf(child, props);

export const job: Kind = {
  name: 'Job',
  check: (_olds, news) => Promise.resolve(wireCheck(jobWire, news, taskFailures(news))),

  diff(_id, olds, news): DiffResult {
    const { changed, replaces } = changes(olds, news);
    return diffResult(changed.length > 0, replaces, [jobWire.idInput, 'accountName']);
  },

  async create(inputs, ports) {
    const data = ports.data(accountOf(inputs));
    return about(titleOf(child, inputs), async () => {
      await add(inputs, ports, data);
      const outs = await complete(inputs, listOf(inputs.tasks), [], data);
      return { id: idOf(child, inputs), outs };
    });
  },

  read: (_id, props, ports) => readChild(child, props, ports),

  async update(_id, olds, news, ports) {
    const data = ports.data(accountOf(news));
    const { changed } = changes(olds, news);
    return about(titleOf(child, news), async () => {
      await change(changed, news, ports, data);
      const before = new Set(listOf(olds.tasks).map((task) => taskKey(objectOf(task))));
      const fresh = listOf(news.tasks).filter((task) => !before.has(taskKey(objectOf(task))));
      return complete(news, fresh, listOf(olds.tasks), data);
    });
  },

  delete: (_id, props, ports) => deleteChild(child, props, ports),
};

/** New tasks are added to the job that is there; a task that changed or went needs a new job. */
function changes(olds: Properties, news: Properties): { changed: string[]; replaces: string[] } {
  const { changed, replaces } = wireChanges(jobWire, olds, news);
  if (
    changed.includes('onAllTasksComplete') &&
    String(olds.onAllTasksComplete).toLowerCase() === 'terminatejob'
  )
    replaces.push('onAllTasksComplete');
  const before = new Map(tasksToWire(olds.tasks).map((task) => [taskKey(task), normalTask(task)]));
  const after = new Map(tasksToWire(news.tasks).map((task) => [taskKey(task), normalTask(task)]));
  const kept = [...before].every(([id, task]) => same(task, after.get(id)));
  if (!kept) replaces.push('tasks');
  if (!kept || after.size !== before.size) changed.push('tasks');
  return { changed, replaces };
}

const ends = (inputs: Properties) =>
  String(inputs.onAllTasksComplete).toLowerCase() === 'terminatejob';

async function add(inputs: Properties, ports: Ports, data: DataPlane): Promise<void> {
  // A job without tasks that ends with its tasks would end before they are added.
  const waits = ends(inputs) && listOf(inputs.tasks).length > 0;
  await addOrAdopt(
    child,
    inputs,
    ports,
    (changed) => {
      const now = changed.filter((name) => !waits || name !== 'onAllTasksComplete');
      return change(now, inputs, ports, data);
    },
    waits ? { onAllTasksComplete: 'noaction' } : {},
  );
}

/**
 * Adds the tasks and answers with the outputs. The job exists by now: what goes wrong leaves it in
 * Pulumi's state with the tasks that it holds, and the next update adds the others.
 */
async function complete(
  inputs: Properties,
  fresh: unknown[],
  there: unknown[],
  data: DataPlane,
): Promise<Properties> {
  let tasks = there;
  return onceMade(
    idOf(child, inputs),
    () => (inputs.tasks === undefined ? inputs : { ...inputs, tasks }),
    async () => {
      try {
        await addTasks(jobIdOf(inputs), tasksToWire(fresh), data);
      } catch (error) {
        if (error instanceof TasksRefused)
          tasks = [...there, ...fresh.filter((task) => error.added.has(taskKey(objectOf(task))))];
        throw error;
      }
      tasks = listOf(inputs.tasks);
      await finish(inputs, data);
      return outputsOf(child, inputs, data);
    },
  );
}

/** Only now may the job end with its tasks. */
async function finish(inputs: Properties, data: DataPlane): Promise<void> {
  if (!ends(inputs) || listOf(inputs.tasks).length === 0) return;
  try {
    await data.job.patch(jobIdOf(inputs), { onAllTasksComplete: 'terminatejob' });
  } catch (error) {
    if (!isCode(error, 'JobCompleted', 'JobBeingTerminated')) throw error;
  }
}

async function change(
  changed: string[],
  news: Properties,
  ports: Ports,
  data: DataPlane,
): Promise<void> {
  const jobId = jobIdOf(news);
  const wanted = jobWire.toWire(news);
  const patch = JOB_PATCHABLE.filter((name) => changed.includes(name));
  if (patch.length > 0) {
    const values = {
      priority: 0,
      maxParallelTasks: -1,
      allowTaskPreemption: false,
      constraints: {},
      onAllTasksComplete: 'noaction',
      ...wanted,
    };
    const body = { ...values, metadata: markedMetadata(wanted.metadata, news) } as Properties;
    await data.job.patch(jobId, Object.fromEntries(patch.map((name) => [name, body[name]])));
  }
  if (!changed.includes('poolInfo')) return;
  // The pool of a job can be changed only while the job is disabled.
  await data.job.disable(jobId, 'requeue');
  await waitUntil(ports, `job ${jobId} is being disabled`, timeoutMs(news, 'update'), async () => {
    const { state } = await data.job.get(jobId);
    return state === 'disabled' ? { done: undefined } : { seen: `state ${String(state)}` };
  });
  try {
    await data.job.patch(jobId, { poolInfo: wanted.poolInfo });
  } finally {
    await data.job.enable(jobId);
  }
}

/**
 * A job that has completed by itself is as it should be. What the service made of an auto pool's recipe
 * is not compared.
 */
function asFound(inputs: Properties, found: Properties): Properties {
  const names = Object.keys(JOB_SHAPE).filter(
    (name) => name !== 'poolInfo' || objectOf(inputs.poolInfo).autoPoolSpecification === undefined,
  );
  const wire = { ...found, metadata: userMetadata(found.metadata) } as Properties;
  const now = Object.fromEntries(
    names.filter((name) => wire[name] !== undefined).map((name) => [name, wire[name]]),
  );
  const wanted = jobWire.toWire(inputs);
  const { before, after } = normalPair(jobWire.schema, wanted, {
    id: wanted.id,
    poolInfo: wanted.poolInfo,
    ...objectOf(withSecretsOf(now, wanted)),
  });
  const result = structuredClone(inputs);
  for (const name of names)
    if (!sameMeaning(name, before[name], after[name])) result[name] = programToInput(after[name]);
  return result;
}
