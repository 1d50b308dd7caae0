import { accountOf, isOurs, markedMetadata, userMetadata } from '../account-of.js';
import { armId } from '../arm-id.js';
import { about, Incomplete, isCode, messageOf } from '../failure.js';
import { listOf, objectOf, same, textOf, type Properties } from '../json.js';
import type { Kind } from '../kind.js';
import type { DataPlane, Ports } from '../ports.js';
import { programToInput } from '../program.js';
import { removeAndWait, TimedOut, timeoutMs, waitUntil } from '../wait.js';
import { inputsIn, normalPair, wireChanges, wireCheck, wireDiff } from '../wire-kind.js';
import { AllocationFailed, rescale, waitForNodes } from './scale.js';
import { PATCHABLE, poolWire, SCALE, scaleFailures } from './wire.js';

const nameOf = (props: Properties) => String(props.poolName);
const titleOf = (props: Properties) =>
  `Pool ${nameOf(props)} (account ${String(props.accountName)})`;
const waitWish = (inputs: Properties) => textOf(inputs.waitFor) ?? 'steady';

export const pool: Kind = {
  name: 'Pool',
  async check(_olds, news) {
    return Promise.resolve(wireCheck(poolWire, news, scaleFailures(news)));
  },
  diff: (_id, olds, news) => wireDiff(poolWire, olds, news),

  async create(inputs, ports) {
    const poolId = nameOf(inputs);
    const data = ports.data(accountOf(inputs));
    const id = armId(accountOf(inputs), 'pools', poolId);
    return about(titleOf(inputs), async () => {
      await add(inputs, ports, data);
      await orIncomplete(id, inputs, data, () =>
        waitForNodes(ports, data, poolId, waitWish(inputs), timeoutMs(inputs, 'create')),
      );
      return { id, outs: await outputs(inputs, data) };
    });
  },

  async read(_id, props, ports) {
    return about(titleOf(props), async () => {
      try {
        const found = await ports.data(accountOf(props)).pool.get(nameOf(props));
        if (found.state === 'deleting') return undefined;
        const inputs = asFound(inputsIn(poolWire.shape, props), found);
        return { props: { ...inputs, ...computed(found) }, inputs };
      } catch (error) {
        if (isCode(error, 'PoolNotFound')) return undefined;
        throw error;
      }
    });
  },

  async update(id, olds, news, ports) {
    const data = ports.data(accountOf(news));
    const { changed } = wireChanges(poolWire, olds, news);
    return about(titleOf(news), async () => {
      await change(changed, news, ports, data);
      await orIncomplete(id, news, data, () =>
        waitForNodes(ports, data, nameOf(news), waitWish(news), timeoutMs(news, 'update')),
      );
      return outputs(news, data);
    });
  },

  async delete(_id, props, ports) {
    const { pool } = ports.data(accountOf(props));
    await about(titleOf(props), () =>
      removeAndWait(ports, `pool ${nameOf(props)}`, timeoutMs(props, 'delete'), {
        remove: () => pool.delete(nameOf(props)),
        get: () => pool.get(nameOf(props)),
        goneCode: 'PoolNotFound',
        goingCode: 'PoolBeingDeleted',
      }),
    );
  },
};

/** A pool of this name that is ours, or that we may adopt, is taken over. */
async function add(inputs: Properties, ports: Ports, data: DataPlane): Promise<void> {
  const poolId = nameOf(inputs);
  const wanted = poolWire.toWire(inputs);
  const body = { ...wanted, metadata: markedMetadata(wanted.metadata, inputs) };
  try {
    // A pool of this name may still be on its way out.
    await waitUntil(
      ports,
      `pool ${poolId} of before is being deleted`,
      timeoutMs(inputs, 'create'),
      async () => {
        try {
          await data.pool.add(body);
          return { done: undefined };
        } catch (error) {
          if (isCode(error, 'PoolBeingDeleted')) return { seen: 'state deleting' };
          throw error;
        }
      },
    );
  } catch (error) {
    if (!isCode(error, 'PoolExists')) throw error;
    await adopt(inputs, ports, data);
  }
}

async function adopt(inputs: Properties, ports: Ports, data: DataPlane): Promise<void> {
  const found = await data.pool.get(nameOf(inputs));
  if (!isOurs(found, inputs) && inputs.adoptExisting !== true)
    throw new Error(
      "exists already and is not this stack's: choose another poolName, or set adoptExisting to take it over",
    );
  const { changed, replaces } = wireChanges(poolWire, asFound(inputs, found), inputs);
  if (replaces.length > 0)
    throw new Error(
      `exists already with another ${replaces.join(', ')}, which can't be changed in place: delete it, or give the values it has`,
    );
  await change(changed, inputs, ports, data);
}

async function change(
  changed: string[],
  news: Properties,
  ports: Ports,
  data: DataPlane,
): Promise<void> {
  const poolId = nameOf(news);
  const wanted = poolWire.toWire(news);
  const metadata = markedMetadata(wanted.metadata, news);
  const patch = PATCHABLE.filter((name) => changed.includes(name));
  if (patch.length > 0) {
    const { startTask, certificateReferences = [] } = wanted;
    // Only the full replacement takes a start task away.
    if (patch.includes('startTask') && startTask === undefined)
      await data.pool.updateProperties(poolId, {
        certificateReferences,
        applicationPackageReferences: [],
        metadata,
      });
    else
      await data.pool.patch(poolId, {
        ...(patch.includes('startTask') && { startTask }),
        ...(patch.includes('certificateReferences') && { certificateReferences }),
        ...(patch.includes('metadata') && { metadata }),
      });
    if (patch.some((name) => name !== 'metadata'))
      ports.say(
        `pool ${poolId}: nodes that exist take the new ${patch.join(', ')} when they are rebooted`,
      );
  }
  if (SCALE.some((name) => changed.includes(name)))
    return rescale(ports, data, poolId, wanted, news, timeoutMs(news, 'update'));
  // An earlier update may have ended while nodes were missing.
  const pool = await data.pool.get(poolId);
  if (
    pool.allocationState === 'steady' &&
    listOf(pool.resizeErrors).length > 0 &&
    pool.enableAutoScale !== true
  )
    await rescale(ports, data, poolId, wanted, news, timeoutMs(news, 'update'));
}

/** From here on the pool exists: what goes wrong leaves it in Pulumi's state, to be mended by the next update. */
async function orIncomplete(
  id: string,
  inputs: Properties,
  data: DataPlane,
  step: () => Promise<void>,
): Promise<void> {
  try {
    await step();
  } catch (error) {
    if (!(error instanceof AllocationFailed) && !(error instanceof TimedOut)) throw error;
    throw new Incomplete(
      id,
      await outputs(inputs, data),
      `${titleOf(inputs)}: ${messageOf(error)}`,
    );
  }
}

async function outputs(inputs: Properties, data: DataPlane): Promise<Properties> {
  return { ...inputs, ...computed(await data.pool.get(nameOf(inputs))) };
}

function computed(found: Properties): Properties {
  return {
    provisioningState: found.state === 'deleting' ? 'Deleting' : 'Succeeded',
    allocationState: found.allocationState,
    currentDedicatedNodes: found.currentDedicatedNodes ?? 0,
    currentLowPriorityNodes: found.currentLowPriorityNodes ?? 0,
    creationTime: found.creationTime,
  };
}

/** The inputs with the values that the service has where those mean something else. */
function asFound(inputs: Properties, found: Properties): Properties {
  const wire = { ...found, metadata: userMetadata(found.metadata) };
  const scaled =
    found.enableAutoScale === true
      ? ['targetDedicatedNodes', 'targetLowPriorityNodes', 'resizeTimeout']
      : [];
  const known = Object.fromEntries(
    Object.entries(wire).filter(([name]) => name in READ_BACK && !scaled.includes(name)),
  );
  const { before, after } = normalPair(poolWire.schema, poolWire.toWire(inputs), {
    ...known,
    id: nameOf(inputs),
  });
  const result = structuredClone(inputs);
  for (const [name, put] of Object.entries(READ_BACK)) {
    if (name === 'resizeTimeout' || (after.enableAutoScale === true && name.startsWith('target')))
      continue;
    if (!same(listless(before[name]), listless(after[name]))) put(result, after[name]);
  }
  return result;
}

const listless = (value: unknown) =>
  Array.isArray(value) && value.length === 0 ? undefined : value;
const into = (name: string) => (inputs: Properties, value: unknown) => {
  inputs[name] = value;
};
const intoFixed = (name: string) => (inputs: Properties, value: unknown) => {
  if (value === undefined) return;
  inputs.scaleSettings = {
    fixedScale: { ...objectOf(objectOf(inputs.scaleSettings).fixedScale), [name]: value },
  };
};
const intoAuto = (name: string) => (inputs: Properties, value: unknown) => {
  if (value === undefined) return;
  inputs.scaleSettings = {
    autoScale: { ...objectOf(objectOf(inputs.scaleSettings).autoScale), [name]: value },
  };
};

/** Where a property of the service's answer goes. Passwords never come back, so they are not here. */
const READ_BACK: Readonly<Record<string, (inputs: Properties, value: unknown) => void>> = {
  displayName: into('displayName'),
  vmSize: into('vmSize'),
  virtualMachineConfiguration: (inputs, value) => {
    const { imageReference, nodeAgentSKUId, ...rest } = objectOf(value);
    const { virtualMachineImageId, exactVersion: _exact, ...image } = objectOf(imageReference);
    inputs.deploymentConfiguration = {
      virtualMachineConfiguration: {
        ...rest,
        imageReference: virtualMachineImageId === undefined ? image : { id: virtualMachineImageId },
        nodeAgentSkuId: nodeAgentSKUId,
      },
    };
  },
  enableAutoScale: () => undefined,
  resizeTimeout: () => undefined,
  targetDedicatedNodes: intoFixed('targetDedicatedNodes'),
  targetLowPriorityNodes: intoFixed('targetLowPriorityNodes'),
  autoScaleFormula: intoAuto('formula'),
  autoScaleEvaluationInterval: intoAuto('evaluationInterval'),
  enableInterNodeCommunication: (inputs, value) => {
    inputs.interNodeCommunication = value === true ? 'Enabled' : 'Disabled';
  },
  startTask: (inputs, value) => {
    inputs.startTask = programToInput(value);
  },
  certificateReferences: into('certificates'),
  taskSlotsPerNode: into('taskSlotsPerNode'),
  taskSchedulingPolicy: into('taskSchedulingPolicy'),
  metadata: into('metadata'),
};
