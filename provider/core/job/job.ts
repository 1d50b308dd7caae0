import { accountOf, markedMetadata, userMetadata } from '../account-of.js';
import { addOrAdopt } from '../adopt.js';
import { deleteChild, idOf, nameOf, outputsOf, readChild, titleOf, type Child } from '../child.js';
import { diffResult } from '../compare.js';
import { about, isCode } from '../failure.js';
import { listOf, objectOf, same, sparse, type Properties } from '../json.js';
import type { DiffResult, Kind } from '../kind.js';
import { programToInput } from '../program.js';
import type { DataPlane, Ports } from '../ports.js';
import { withSecretsOf } from '../secrets.js';
import { timeoutMs, waitUntil } from '../wait.js';
import { normalPair, wireChanges, wireCheck } from '../wire-kind.js';
import {
  JOB_PATCHABLE,
  JOB_SHAPE,
  jobWire,
  normalTask,
  taskFailures,
  tasksToWire,
} from './wire.js';

const TASKS_A_CALL = 100;

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
      await addTasks(jobIdOf(inputs), tasksToWire(inputs.tasks), data);
      await finish(inputs, data);
      return { id: idOf(child, inputs), outs: await outputsOf(child, inputs, data) };
    });
  },

  read: (_id, props, ports) => readChild(child, props, ports),

  async update(_id, olds, news, ports) {
    const data = ports.data(accountOf(news));
    const { changed } = changes(olds, news);
    return about(titleOf(child, news), async () => {
      await change(changed, news, ports, data);
      const before = new Set(tasksToWire(olds.tasks).map((task) => String(task.id).toLowerCase()));
      const fresh = tasksToWire(news.tasks).filter(
        (task) => !before.has(String(task.id).toLowerCase()),
      );
      await addTasks(jobIdOf(news), fresh, data);
      return outputsOf(child, news, data);
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
  const before = new Map(
    tasksToWire(olds.tasks).map((task) => [String(task.id).toLowerCase(), normalTask(task)]),
  );
  const after = new Map(
    tasksToWire(news.tasks).map((task) => [String(task.id).toLowerCase(), normalTask(task)]),
  );
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

/** Adds what is not there yet; the first task that is refused is the error, with its id. */
async function addTasks(jobId: string, tasks: Properties[], data: DataPlane): Promise<void> {
  for (let from = 0; from < tasks.length; from += TASKS_A_CALL) {
    const results = await data.job.addTasks(jobId, tasks.slice(from, from + TASKS_A_CALL));
    const refused = results.filter(
      ({ error }) => error !== undefined && error.code !== 'TaskExists',
    );
    const [first] = refused;
    if (first)
      throw new Error(
        `task ${first.taskId} was refused: ${first.error?.code ?? ''}: ${first.error?.message ?? ''}` +
          (refused.length > 1 ? ` (and ${refused.length - 1} more)` : ''),
      );
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
    if (!same(sparse(before[name]), sparse(after[name])))
      result[name] = programToInput(after[name]);
  return result;
}
