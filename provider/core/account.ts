import { accountOf } from './account-of.js';
import { armId } from './arm-id.js';
import { shapeFailures } from './check.js';
import { diffResult, replacedBy } from './compare.js';
import { about, isCode, onceMade } from './failure.js';
import { holdsUnknown, objectOf, same, textOf, type Properties } from './json.js';
import type { Kind } from './kind.js';
import type { Ports } from './ports.js';
import { timeoutsFailures } from './timeouts.js';
import { removeAndWait, timeoutMs } from './wait.js';
import { inputsIn } from './wire-kind.js';

const DEFAULT_LOCATION = 'local';
const OWNER_TAG = 'pulumi';
const NAME = /^[a-z0-9]{3,24}$/;

const SHAPE = {
  accountName: 'text',
  resourceGroupName: 'text',
  location: 'text',
  tags: 'object',
  keyRotation: 'object',
  connection: 'object',
  owner: 'text',
  adoptExisting: 'yes or no',
  timeouts: 'object',
} as const;

const titleOf = (props: Properties) => `Account ${String(props.accountName)}`;
const locationOf = (props: Properties) => textOf(props.location) ?? DEFAULT_LOCATION;
const GONE = ['ResourceNotFound', 'AccountNotFound', 'BatchAccountNotFound'];
const KEYS = { primary: 'Primary', secondary: 'Secondary' } as const;

export const account: Kind = {
  name: 'Account',
  async check(_olds, news) {
    const failures = shapeFailures(news, SHAPE, ['accountName']);
    const name = news.accountName;
    if (typeof name === 'string' && !holdsUnknown(name) && !NAME.test(name))
      failures.push({
        property: 'accountName',
        reason: 'must be 3 to 24 lower-case letters and digits',
      });
    for (const [tag, value] of Object.entries(objectOf(news.tags))) {
      if (typeof value !== 'string')
        failures.push({ property: 'tags', reason: `${tag}: must be a text` });
      if (tag === OWNER_TAG)
        failures.push({
          property: 'tags',
          reason: `the name "${OWNER_TAG}" is kept for the mark of the owning stack`,
        });
    }
    for (const which of Object.keys(objectOf(news.keyRotation)))
      if (!(which in KEYS))
        failures.push({
          property: 'keyRotation',
          reason: `${which}: only primary and secondary can be rotated`,
        });
    return Promise.resolve({
      inputs: news,
      failures: [...failures, ...timeoutsFailures(news.timeouts)],
    });
  },

  diff(_id, olds, news) {
    const replaces = replacedBy(olds, news, ['accountName', 'resourceGroupName']);
    if (locationOf(news) !== locationOf(olds)) replaces.push('location');
    const changed =
      !same(objectOf(news.tags), objectOf(olds.tags)) || rotations(olds, news).length > 0;
    return diffResult(changed, replaces, ['accountName']);
  },

  async create(inputs, ports) {
    const name = accountOf(inputs);
    return about(titleOf(inputs), async () => {
      const found = await find(inputs, ports);
      const ours = objectOf(found?.tags)[OWNER_TAG] === inputs.owner && inputs.owner !== undefined;
      if (found && !ours && inputs.adoptExisting !== true)
        throw new Error(
          "exists already and is not this stack's: choose another accountName, or set adoptExisting to take it over",
        );
      if (found && textOf(inputs.location) !== undefined && found.location !== inputs.location)
        throw new Error(
          `exists already in location ${String(found.location)}, which can't be changed`,
        );
      if (found) await ports.accounts.patch(name, { tags: tagsOf(inputs) });
      else await ports.accounts.put(name, { location: locationOf(inputs), tags: tagsOf(inputs) });
      const id = armId(name);
      const outs = await onceMade(
        id,
        () => inputs,
        () => outputs(inputs, ports),
      );
      return { id, outs };
    });
  },

  async read(_id, props, ports) {
    return about(titleOf(props), async () => {
      const found = await find(props, ports);
      if (!found) return undefined;
      const { [OWNER_TAG]: _mark, ...tags } = objectOf(found.tags);
      const inputs = {
        ...inputsIn(SHAPE, props),
        ...(!same(tags, objectOf(props.tags)) && { tags }),
      };
      return { props: { ...inputs, ...(await computed(props, found, ports)) }, inputs };
    });
  },

  async update(_id, olds, news, ports) {
    const name = accountOf(news);
    return about(titleOf(news), async () => {
      if (!same(objectOf(news.tags), objectOf(olds.tags)))
        await ports.accounts.patch(name, { tags: tagsOf(news) });
      for (const which of rotations(olds, news))
        await ports.accounts.regenerateKey(name, KEYS[which]);
      return outputs(news, ports);
    });
  },

  async delete(_id, props, ports) {
    await about(titleOf(props), async () => {
      const name = accountOf(props);
      await removeAndWait(ports, `account ${name.accountName}`, timeoutMs(props, 'delete'), {
        remove: () => ports.accounts.delete(name),
        get: async () => ({ state: (await ports.accounts.get(name)).provisioningState }),
        goneCodes: GONE,
        goingCode: 'AccountBeingDeleted',
      });
    });
  },
};

/** A key is made new when its trigger value changes to another one. */
function rotations(olds: Properties, news: Properties): (keyof typeof KEYS)[] {
  const [before, after] = [objectOf(olds.keyRotation), objectOf(news.keyRotation)];
  return (['primary', 'secondary'] as const).filter(
    (which) => after[which] !== undefined && after[which] !== before[which],
  );
}

const tagsOf = (inputs: Properties) => ({
  ...objectOf(inputs.tags),
  ...(textOf(inputs.owner) !== undefined && { [OWNER_TAG]: inputs.owner }),
});

/** Undefined only for the management plane's own not-found codes: any other 404 is a wrong address. */
async function find(props: Properties, ports: Ports): Promise<Properties | undefined> {
  try {
    return await ports.accounts.get(accountOf(props));
  } catch (error) {
    if (isCode(error, ...GONE)) return undefined;
    throw error;
  }
}

async function outputs(inputs: Properties, ports: Ports): Promise<Properties> {
  const found = await ports.accounts.get(accountOf(inputs));
  return { ...inputs, ...(await computed(inputs, found, ports)) };
}

async function computed(props: Properties, found: Properties, ports: Ports): Promise<Properties> {
  const { primary, secondary } = await ports.accounts.keys(accountOf(props));
  return {
    accountEndpoint: found.accountEndpoint,
    provisioningState: found.provisioningState,
    primaryKey: primary,
    secondaryKey: secondary,
  };
}
