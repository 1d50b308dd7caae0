import { accountOf, isOurs, markedMetadata, userMetadata } from '../account-of.js';
import { armId } from '../arm-id.js';
import { about, isCode } from '../failure.js';
import { given, isObject, listOf, same, type Properties } from '../json.js';
import type { Kind } from '../kind.js';
import { programToInput } from '../program.js';
import type { DataPlane, Ports } from '../ports.js';
import { removeAndWait, timeoutMs, waitUntil } from '../wait.js';
import { inputsIn, normalPair, wireChanges, wireCheck, wireDiff } from '../wire-kind.js';
import { jobScheduleWire } from './wire.js';

const nameOf = (props: Properties) => String(props.jobScheduleId);
const titleOf = (props: Properties) =>
  `JobSchedule ${nameOf(props)} (account ${String(props.accountName)})`;

export const jobSchedule: Kind = {
  name: 'JobSchedule',
  async check(_olds, news) {
    return Promise.resolve(wireCheck(jobScheduleWire, news));
  },
  diff: (_id, olds, news) => wireDiff(jobScheduleWire, olds, news),

  async create(inputs, ports) {
    const data = ports.data(accountOf(inputs));
    const id = armId(accountOf(inputs), 'jobSchedules', nameOf(inputs));
    return about(titleOf(inputs), async () => {
      await add(inputs, ports, data);
      return { id, outs: await outputs(inputs, data) };
    });
  },

  async read(_id, props, ports) {
    return about(titleOf(props), async () => {
      try {
        const found = await ports.data(accountOf(props)).jobSchedule.get(nameOf(props));
        if (found.state === 'deleting') return undefined;
        const inputs = asFound(inputsIn(jobScheduleWire.shape, props), found);
        return { props: { ...inputs, ...computed(found) }, inputs };
      } catch (error) {
        if (isCode(error, 'JobScheduleNotFound')) return undefined;
        throw error;
      }
    });
  },

  async update(_id, _olds, news, ports) {
    const data = ports.data(accountOf(news));
    return about(titleOf(news), async () => {
      await replaceProperties(news, data);
      return outputs(news, data);
    });
  },

  async delete(_id, props, ports) {
    const { jobSchedule: schedules } = ports.data(accountOf(props));
    await about(titleOf(props), () =>
      removeAndWait(ports, `job schedule ${nameOf(props)}`, timeoutMs(props, 'delete'), {
        remove: () => schedules.delete(nameOf(props)),
        get: () => schedules.get(nameOf(props)),
        goneCode: 'JobScheduleNotFound',
        goingCode: 'JobScheduleBeingDeleted',
      }),
    );
  },
};

async function add(inputs: Properties, ports: Ports, data: DataPlane): Promise<void> {
  const wanted = jobScheduleWire.toWire(inputs);
  const body = { ...wanted, metadata: markedMetadata(wanted.metadata, inputs) };
  try {
    await waitUntil(
      ports,
      `job schedule ${nameOf(inputs)} of before is being deleted`,
      timeoutMs(inputs, 'create'),
      async () => {
        try {
          await data.jobSchedule.add(body);
          return { done: undefined };
        } catch (error) {
          if (isCode(error, 'JobScheduleBeingDeleted')) return { seen: 'state deleting' };
          throw error;
        }
      },
    );
  } catch (error) {
    if (!isCode(error, 'JobScheduleExists')) throw error;
    const found = await data.jobSchedule.get(nameOf(inputs));
    if (!isOurs(found, inputs) && inputs.adoptExisting !== true)
      throw new Error(
        "exists already and is not this stack's: choose another jobScheduleId, or set adoptExisting to take it over",
      );
    const { changed, replaces } = wireChanges(jobScheduleWire, asFound(inputs, found), inputs);
    if (replaces.length > 0)
      throw new Error(
        `exists already with another ${replaces.join(', ')}, which can't be changed in place`,
      );
    if (changed.length > 0 || !isOurs(found, inputs)) await replaceProperties(inputs, data);
  }
}

/** Jobs that exist stay as they are; the next one is made from the new specification. */
async function replaceProperties(news: Properties, data: DataPlane): Promise<void> {
  const { schedule, jobSpecification, metadata } = jobScheduleWire.toWire(news);
  await data.jobSchedule.update(nameOf(news), {
    schedule,
    jobSpecification,
    metadata: markedMetadata(metadata, news),
  });
}

async function outputs(inputs: Properties, data: DataPlane): Promise<Properties> {
  return { ...inputs, ...computed(await data.jobSchedule.get(nameOf(inputs))) };
}

const computed = (found: Properties): Properties => ({ creationTime: found.creationTime });

/** The inputs, with what the service has in the place of what differs in meaning. */
function asFound(inputs: Properties, found: Properties): Properties {
  const wanted = jobScheduleWire.toWire(inputs);
  const now = given({
    id: wanted.id,
    displayName: found.displayName,
    schedule: found.schedule,
    jobSpecification: found.jobSpecification,
    metadata: listOf(userMetadata(found.metadata)),
  });
  const { before, after } = normalPair(jobScheduleWire.schema, wanted, now);
  const result = structuredClone(inputs);
  for (const name of ['displayName', 'schedule', 'jobSpecification', 'metadata'])
    if (!same(sparse(before[name]), sparse(after[name])))
      result[name] = programToInput(found[name] ?? after[name]);
  return result;
}

/** Without empty lists: the service leaves them out, or not. */
function sparse(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map(sparse);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, sparse(item)]));
}
