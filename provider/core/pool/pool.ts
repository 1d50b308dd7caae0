import { accountOf, markedMetadata } from '../account-of.js';
import { addOrAdopt } from '../adopt.js';
import { deleteChild, idOf, nameOf, outputsOf, readChild, titleOf, type Child } from '../child.js';
import { about, Incomplete, messageOf, onceMade } from '../failure.js';
import { isObject, listOf, textOf, type Properties } from '../json.js';
import type { Kind } from '../kind.js';
import type { DataPlane, Ports } from '../ports.js';
import { TimedOut, timeoutMs } from '../wait.js';
import { wireChanges, wireCheck, wireDiff } from '../wire-kind.js';
import { poolFailures } from './check.js';
import { asFound } from './read-back.js';
import { atOnce, rollNodes } from './roll.js';
import { AllocationFailed, rescale, waitForNodes } from './scale.js';
import { PATCHABLE, poolWire, SCALE } from './wire.js';

const child: Child = {
  noun: 'Pool',
  words: 'pool',
  collection: 'pools',
  wire: poolWire,
  operations: (data) => data.pool,
  asFound,
  computed: (found) => ({
    provisioningState: found.state === 'deleting' ? 'Deleting' : 'Succeeded',
    allocationState: found.allocationState,
    currentDedicatedNodes: found.currentDedicatedNodes ?? 0,
    currentLowPriorityNodes: found.currentLowPriorityNodes ?? 0,
    creationTime: found.creationTime,
  }),
};

export const pool: Kind = {
  name: 'Pool',
  check: (_olds, news) => Promise.resolve(wireCheck(poolWire, news, poolFailures(news))),
  diff(_id, olds, news) {
    const result = wireDiff(poolWire, olds, news);
    const late = lateIn(wireChanges(poolWire, olds, news).changed);
    return late.length > 0 && result.replaces.length === 0
      ? { ...result, notes: [rebootNote(news, late)] }
      : result;
  },

  async create(inputs, ports) {
    const data = ports.data(accountOf(inputs));
    return about(titleOf(child, inputs), async () => {
      await addOrAdopt(child, inputs, ports, (changed) => change(changed, inputs, ports, data));
      await allocated(inputs, ports, data, 'create');
      return { id: idOf(child, inputs), outs: await outputsOf(child, inputs, data) };
    });
  },

  read: (_id, props, ports) => readChild(child, props, ports),

  async update(_id, olds, news, ports) {
    const data = ports.data(accountOf(news));
    const { changed } = wireChanges(poolWire, olds, news);
    return about(titleOf(child, news), async () => {
      await change(changed, news, ports, data);
      await allocated(news, ports, data, 'update');
      if (isObject(news.rollNodes) && lateIn(changed).length > 0)
        // Until every node has taken them, the next update finds the same properties changed once more.
        await onceMade(
          idOf(child, news),
          () => withLateOf(olds, news),
          () => rollNodes(ports, data, nameOf(child, news), news),
        );
      return outputsOf(child, news, data);
    });
  },

  delete: (_id, props, ports) => deleteChild(child, props, ports),
};

/** What nodes that exist take only when they are rebooted, by wire name. */
const lateIn = (changed: string[]) =>
  PATCHABLE.filter((name) => name !== 'metadata' && changed.includes(name));
const inputOf = (wireName: string) => poolWire.toInput([wireName])[0] ?? wireName;

function rebootNote(news: Properties, late: readonly string[]): string {
  const names = late.map(inputOf).join(', ');
  return isObject(news.rollNodes)
    ? `its nodes are rebooted, ${atOnce(news)} at a time, to take the new ${names}`
    : `nodes that exist take the new ${names} when they are rebooted: reboot them, or set rollNodes`;
}

function withLateOf(olds: Properties, news: Properties): Properties {
  const result = { ...olds, ...news };
  for (const name of PATCHABLE.filter((wire) => wire !== 'metadata').map(inputOf))
    if (olds[name] === undefined) delete result[name];
    else result[name] = olds[name];
  return result;
}

async function change(
  changed: string[],
  news: Properties,
  ports: Ports,
  data: DataPlane,
): Promise<void> {
  const poolId = nameOf(child, news);
  const wanted = poolWire.toWire(news);
  const patch = PATCHABLE.filter((name) => changed.includes(name));
  if (patch.length > 0) {
    const values: Properties = {
      certificateReferences: [],
      applicationPackageReferences: [],
      targetNodeCommunicationMode: 'default',
      ...wanted,
      metadata: markedMetadata(wanted.metadata, news),
    };
    // Only the full replacement takes a start task away.
    const takesAway = patch.includes('startTask') && wanted.startTask === undefined;
    const names = takesAway ? PATCHABLE.filter((name) => name !== 'startTask') : patch;
    const body = Object.fromEntries(names.map((name) => [name, values[name]]));
    await (takesAway ? data.pool.updateProperties(poolId, body) : data.pool.patch(poolId, body));
  }
  // An earlier update may have ended while nodes were missing.
  if (SCALE.some((name) => changed.includes(name)) || (await lacksNodes(poolId, data)))
    await rescale(ports, data, poolId, wanted, news, timeoutMs(news, 'update'));
}

async function lacksNodes(poolId: string, data: DataPlane): Promise<boolean> {
  const { allocationState, resizeErrors, enableAutoScale } = await data.pool.get(poolId);
  return (
    allocationState === 'steady' && listOf(resizeErrors).length > 0 && enableAutoScale !== true
  );
}

/**
 * Waits as far as `waitFor` says. From here on the pool exists: what goes wrong leaves it in Pulumi's
 * state, to be mended by the next update.
 */
async function allocated(
  inputs: Properties,
  ports: Ports,
  data: DataPlane,
  step: 'create' | 'update',
): Promise<void> {
  const waitFor = textOf(inputs.waitFor) ?? 'steady';
  try {
    await waitForNodes(ports, data, nameOf(child, inputs), waitFor, timeoutMs(inputs, step));
  } catch (error) {
    const told = error instanceof AllocationFailed || error instanceof TimedOut;
    // Where the controller went away in the meantime there is nothing to ask.
    const outs = told ? await outputsOf(child, inputs, data) : inputs;
    throw new Incomplete(idOf(child, inputs), outs, messageOf(error));
  }
}
