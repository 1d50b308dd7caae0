import { ACCOUNT_GONE, accountOf } from './account-of.js';
import { armId } from './arm-id.js';
import { about, isCode } from './failure.js';
import type { Properties } from './json.js';
import type { Reading } from './kind.js';
import type { DataPlane, Ports } from './ports.js';
import { removeAndWait, timeoutMs } from './wait.js';
import { inputsIn, type WireKind } from './wire-kind.js';

/** A kind of object that an account holds and the data plane serves: what reading, adding and deleting it have in common. */
export interface Child {
  /** Begins the service's codes: `PoolExists`, `PoolNotFound`, `PoolBeingDeleted`. */
  readonly noun: 'Pool' | 'Job' | 'JobSchedule';
  /** As in messages: `job schedule`. */
  readonly words: string;
  /** In the id: `jobSchedules`. */
  readonly collection: string;
  readonly wire: WireKind;
  operations(data: DataPlane): {
    add(body: Properties): Promise<void>;
    get(id: string): Promise<Properties>;
    delete(id: string): Promise<void>;
  };
  /** The inputs, with what the service has in the place of what differs in meaning. */
  asFound(inputs: Properties, found: Properties): Properties;
  /** The outputs that the service computes. */
  computed(found: Properties): Properties;
}

export const nameOf = ({ wire }: Child, props: Properties) => String(props[wire.idInput]);
export const titleOf = (child: Child, props: Properties) =>
  `${child.noun} ${nameOf(child, props)} (account ${String(props.accountName)})`;
export const idOf = (child: Child, props: Properties) =>
  armId(accountOf(props), child.collection, nameOf(child, props));

/** With its account everything in it is gone as well. */
const goneCodes = ({ noun }: Child) => [`${noun}NotFound`, ACCOUNT_GONE];

/** All outputs, from the service's present answer. */
export async function outputsOf(
  child: Child,
  inputs: Properties,
  data: DataPlane,
): Promise<Properties> {
  const found = await child.operations(data).get(nameOf(child, inputs));
  return { ...inputs, ...child.computed(found) };
}

/** Undefined where the service says by its own code that there is none, or that it is on its way out. */
export async function readChild(
  child: Child,
  props: Properties,
  ports: Ports,
): Promise<Reading | undefined> {
  return about(titleOf(child, props), async () => {
    try {
      const data = ports.data(accountOf(props));
      const found = await child.operations(data).get(nameOf(child, props));
      if (found.state === 'deleting') return undefined;
      const inputs = child.asFound(inputsIn(child.wire.shape, props), found);
      return { props: { ...inputs, ...child.computed(found) }, inputs };
    } catch (error) {
      if (isCode(error, ...goneCodes(child))) return undefined;
      throw error;
    }
  });
}

/** Resolves when it is gone. */
export async function deleteChild(child: Child, props: Properties, ports: Ports): Promise<void> {
  const operations = child.operations(ports.data(accountOf(props)));
  const name = nameOf(child, props);
  await about(titleOf(child, props), () =>
    removeAndWait(ports, `${child.words} ${name}`, timeoutMs(props, 'delete'), {
      remove: () => operations.delete(name),
      get: () => operations.get(name),
      goneCodes: goneCodes(child),
      goingCode: `${child.noun}BeingDeleted`,
    }),
  );
}
