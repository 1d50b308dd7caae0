import { ACCOUNT_GONE, accountOf } from '../account-of.js';
import { armId } from '../arm-id.js';
import { about, isCode } from '../failure.js';
import { objectOf, sameMeaning, type Properties } from '../json.js';
import type { Kind } from '../kind.js';
import type { Ports } from '../ports.js';
import { programToInput } from '../program.js';
import { withSecretsOf } from '../secrets.js';
import { removeAndWait, timeoutMs } from '../wait.js';
import { inputsIn, normalPair, wireChanges, wireCheck, wireDiff } from '../wire-kind.js';
import { TASK_PROPERTIES, taskWire } from './wire.js';

/** With its job, or its account, a task is gone as well. */
export const TASK_GONE = ['TaskNotFound', 'JobNotFound', ACCOUNT_GONE];

const jobIdOf = (props: Properties) => String(props.jobId);
const taskIdOf = (props: Properties) => String(props.taskId);
const titleOf = (props: Properties) =>
  `Task ${taskIdOf(props)} (job ${jobIdOf(props)}, account ${String(props.accountName)})`;
const operations = (props: Properties, ports: Ports) => ports.data(accountOf(props)).task;

export const task: Kind = {
  name: 'Task',
  check: (_olds, news) => Promise.resolve(wireCheck(taskWire, news)),
  diff: (_id, olds, news) => wireDiff(taskWire, olds, news),

  create: (inputs, ports) =>
    about(titleOf(inputs), async () => {
      await addOrAdopt(inputs, ports);
      const id = armId(accountOf(inputs), 'jobs', jobIdOf(inputs), 'tasks', taskIdOf(inputs));
      return { id, outs: await outputs(inputs, ports) };
    }),

  read: (_id, props, ports) =>
    about(titleOf(props), async () => {
      try {
        const found = await operations(props, ports).get(jobIdOf(props), taskIdOf(props));
        const inputs = taskAsFound(inputsIn(taskWire.shape, props), found);
        return { props: { ...inputs, ...computed(found) }, inputs };
      } catch (error) {
        if (isCode(error, ...TASK_GONE)) return undefined;
        throw error;
      }
    }),

  update: (_id, _olds, news, ports) =>
    about(titleOf(news), async () => {
      await operations(news, ports).update(jobIdOf(news), taskIdOf(news), {
        constraints: objectOf(taskWire.toWire(news).constraints),
      });
      return outputs(news, ports);
    }),

  delete: (_id, props, ports) =>
    about(titleOf(props), () => removeTask(props, taskIdOf(props), ports)),
};

/** Asks for its end and waits until it is gone; a task of a job that is gone is gone. */
export async function removeTask(props: Properties, taskId: string, ports: Ports): Promise<void> {
  const tasks = operations(props, ports);
  const jobId = jobIdOf(props);
  await removeAndWait(ports, `task ${taskId} of job ${jobId}`, timeoutMs(props, 'delete'), {
    remove: () => tasks.delete(jobId, taskId),
    get: () => tasks.get(jobId, taskId),
    goneCodes: [...TASK_GONE, 'JobBeingDeleted'],
    goingCode: 'TaskBeingDeleted',
  });
}

/** Tasks carry no owner's mark: one that means the same is taken as the one of an answer that was lost. */
async function addOrAdopt(inputs: Properties, ports: Ports): Promise<void> {
  const tasks = operations(inputs, ports);
  try {
    await tasks.add(jobIdOf(inputs), taskWire.toWire(inputs));
    return;
  } catch (error) {
    if (!isCode(error, 'TaskExists')) throw error;
  }
  const found = await tasks.get(jobIdOf(inputs), taskIdOf(inputs));
  const { changed, replaces } = wireChanges(taskWire, taskAsFound(inputs, found), inputs);
  if (changed.length === 0) return;
  if (inputs.adoptExisting !== true)
    throw new Error(
      `exists already with another ${changed.join(', ')}: choose another taskId, or set adoptExisting to take it over`,
    );
  if (replaces.length > 0)
    throw new Error(
      `exists already with another ${replaces.join(', ')}, which can't be changed in place: delete it, or give the values it has`,
    );
  await tasks.update(jobIdOf(inputs), taskIdOf(inputs), {
    constraints: objectOf(taskWire.toWire(inputs).constraints),
  });
}

const computed = (found: Properties) => ({ creationTime: found.creationTime });
async function outputs(inputs: Properties, ports: Ports): Promise<Properties> {
  const found = await operations(inputs, ports).get(jobIdOf(inputs), taskIdOf(inputs));
  return { ...inputs, ...computed(found) };
}

/**
 * The inputs of a task, with what the service has in the place of what differs in meaning. A task that
 * runs or has ended is as it should be.
 */
export function taskAsFound(inputs: Properties, found: Properties): Properties {
  const wanted = taskWire.toWire(inputs);
  const now = Object.fromEntries(
    TASK_PROPERTIES.filter((name) => found[name] !== undefined).map((name) => [name, found[name]]),
  );
  const { before, after } = normalPair(taskWire.schema, wanted, {
    id: wanted.id,
    ...objectOf(withSecretsOf(now, wanted)),
    constraints: constraintsAsFound(objectOf(wanted.constraints), objectOf(found.constraints)),
  });
  const result = structuredClone(inputs);
  for (const name of TASK_PROPERTIES)
    if (!sameMeaning(name, before[name], after[name])) result[name] = programToInput(after[name]);
  return result;
}

/** Retries that are left out are the job's, which the service then tells as the task's own. */
function constraintsAsFound(wanted: Properties, found: Properties): Properties {
  const { maxTaskRetryCount, ...rest } = found;
  return wanted.maxTaskRetryCount === undefined ? rest : { ...rest, maxTaskRetryCount };
}
