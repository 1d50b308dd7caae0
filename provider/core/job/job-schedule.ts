import { accountOf, markedMetadata, userMetadata } from '../account-of.js';
import { addOrAdopt } from '../adopt.js';
import { deleteChild, idOf, nameOf, outputsOf, readChild, titleOf, type Child } from '../child.js';
import { about } from '../failure.js';
import { given, listOf, objectOf, sameMeaning, type Properties } from '../json.js';
import type { Kind } from '../kind.js';
import { programToInput } from '../program.js';
import type { Ports } from '../ports.js';
import { withSecretsOf } from '../secrets.js';
import { normalPair, wireCheck, wireDiff } from '../wire-kind.js';
import { jobScheduleWire } from './wire.js';

const schedule: Child = {
  noun: 'JobSchedule',
  words: 'job schedule',
  collection: 'jobSchedules',
  wire: jobScheduleWire,
  operations: (data) => data.jobSchedule,
  asFound,
  computed: (found) => ({ creationTime: found.creationTime }),
};

export const jobSchedule: Kind = {
  name: 'JobSchedule',
  check: (_olds, news) => Promise.resolve(wireCheck(jobScheduleWire, news)),
  diff: (_id, olds, news) => wireDiff(jobScheduleWire, olds, news),

  create: (inputs, ports) =>
    about(titleOf(schedule, inputs), async () => {
      await addOrAdopt(schedule, inputs, ports, async (changed) => {
        if (changed.length > 0) await replaceProperties(inputs, ports);
      });
      const outs = await outputsOf(schedule, inputs, ports.data(accountOf(inputs)));
      return { id: idOf(schedule, inputs), outs };
    }),
  read: (_id, props, ports) => readChild(schedule, props, ports),
  update: (_id, _olds, news, ports) =>
    about(titleOf(schedule, news), async () => {
      await replaceProperties(news, ports);
      return outputsOf(schedule, news, ports.data(accountOf(news)));
    }),
  delete: (_id, props, ports) => deleteChild(schedule, props, ports),
};

/** Jobs that exist stay as they are; the next one is made from the new specification. */
async function replaceProperties(news: Properties, ports: Ports): Promise<void> {
  const { metadata, ...wanted } = jobScheduleWire.toWire(news);
  await ports.data(accountOf(news)).jobSchedule.update(nameOf(schedule, news), {
    schedule: wanted.schedule,
    jobSpecification: wanted.jobSpecification,
    metadata: markedMetadata(metadata, news),
  });
}

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
  const { before, after } = normalPair(
    jobScheduleWire.schema,
    wanted,
    objectOf(withSecretsOf(now, wanted)),
  );
  const result = structuredClone(inputs);
  for (const name of ['displayName', 'schedule', 'jobSpecification', 'metadata'])
    if (!sameMeaning(name, before[name], after[name])) result[name] = programToInput(after[name]);
  return result;
}
