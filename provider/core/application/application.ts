import { APPLICATION_NAME } from '../../../protocol/management/application.js';
import { accountOf } from '../account-of.js';
import { armId } from '../arm-id.js';
import { shapeFailures } from '../check.js';
import { diffResult, replacedBy } from '../compare.js';
import { about, isCode } from '../failure.js';
import { given, holdsUnknown, type Properties } from '../json.js';
import type { Kind } from '../kind.js';
import type { Ports } from '../ports.js';
import { timeoutsFailures } from '../timeouts.js';
import { CHILD_SHAPE, inputsIn } from '../wire-kind.js';

const { owner: _none, ...childShape } = CHILD_SHAPE;
const SHAPE = {
  ...childShape,
  applicationName: 'text',
  displayName: 'text',
  allowUpdates: 'yes or no',
} as const;
const IMMUTABLE = ['accountName', 'resourceGroupName', 'applicationName'];
const DEFAULTS: Properties = { allowUpdates: true };
const SETTABLE = ['displayName', 'allowUpdates'];

const nameOf = (props: Properties) => String(props.applicationName);
const titleOf = (props: Properties) =>
  `Application ${nameOf(props)} (account ${String(props.accountName)})`;
const valueOf = (props: Properties, name: string) => props[name] ?? DEFAULTS[name];

export const application: Kind = {
  name: 'Application',
  check(_olds, news) {
    const failures = [
      ...shapeFailures(news, SHAPE, ['accountName', 'applicationName']),
      ...timeoutsFailures(news.timeouts),
    ];
    const name = news.applicationName;
    if (typeof name === 'string' && !holdsUnknown(name) && !APPLICATION_NAME.test(name))
      failures.push({
        property: 'applicationName',
        reason: 'must be 1 to 64 letters, digits, hyphens and underscores',
      });
    return Promise.resolve({ inputs: news, failures });
  },

  diff(_id, olds, news) {
    const replaces = replacedBy(olds, news, IMMUTABLE);
    const changed = SETTABLE.some((name) => valueOf(news, name) !== valueOf(olds, name));
    return diffResult(changed, replaces, ['applicationName', 'accountName']);
  },

  create: (inputs, ports) =>
    about(titleOf(inputs), async () => {
      const id = armId(accountOf(inputs), 'applications', nameOf(inputs));
      const { applications } = ports;
      const body = given(Object.fromEntries(SETTABLE.map((name) => [name, inputs[name]])));
      const found = await find(inputs, ports);
      // Without an owner's mark, so the one of a lost answer and another's can only be told by their values.
      const differs = SETTABLE.some(
        (name) => found && valueOf(found, name) !== valueOf(inputs, name),
      );
      if (differs && inputs.adoptExisting !== true)
        throw new Error(
          'exists already with other values: choose another applicationName, or set adoptExisting to take it over',
        );
      if (!found) await applications.put(accountOf(inputs), nameOf(inputs), body);
      else if (differs) await update(inputs, ports);
      return { id, outs: inputs };
    }),

  read: (_id, props, ports) =>
    about(titleOf(props), async () => {
      const found = await find(props, ports);
      if (!found) return undefined;
      const inputs = inputsIn(SHAPE, props);
      for (const name of SETTABLE)
        if (valueOf(found, name) !== valueOf(inputs, name)) inputs[name] = found[name];
      return { props: inputs, inputs };
    }),

  update: (_id, _olds, news, ports) =>
    about(titleOf(news), async () => {
      await update(news, ports);
      return news;
    }),

  delete: (_id, props, ports) =>
    about(titleOf(props), () => ports.applications.delete(accountOf(props), nameOf(props))),
};

/** What is left out goes back to its default. */
async function update(inputs: Properties, ports: Ports): Promise<void> {
  await ports.applications.patch(accountOf(inputs), nameOf(inputs), {
    displayName: inputs.displayName ?? '',
    allowUpdates: valueOf(inputs, 'allowUpdates'),
  });
}

async function find(props: Properties, ports: Ports): Promise<Properties | undefined> {
  try {
    const found = await ports.applications.get(accountOf(props), nameOf(props));
    return found.displayName === '' ? { ...found, displayName: undefined } : found;
  } catch (error) {
    if (isCode(error, 'ResourceNotFound', 'ApplicationNotFound')) return undefined;
    throw error;
  }
}
