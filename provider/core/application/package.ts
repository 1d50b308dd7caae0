import { VERSION_NAME } from '../../../protocol/management/application.js';
import { accountOf } from '../account-of.js';
import { armId } from '../arm-id.js';
import { shapeFailures } from '../check.js';
import { diffResult, replacedBy } from '../compare.js';
import { about, isCode, messageOf, onceMade } from '../failure.js';
import { holdsUnknown, type Properties } from '../json.js';
import type { Kind } from '../kind.js';
import type { Ports } from '../ports.js';
import { packageContent, packageDigest, packageSource } from '../storage/files.js';
import { timeoutsFailures } from '../timeouts.js';
import { CHILD_SHAPE } from '../wire-kind.js';

const { owner: _none, ...childShape } = CHILD_SHAPE;
const SHAPE = {
  ...childShape,
  applicationName: 'text',
  versionName: 'text',
  source: 'text',
  isDefault: 'yes or no',
  workingDirectory: 'text',
  sourceDigest: 'text',
} as const;
const REQUIRED = ['accountName', 'applicationName', 'versionName', 'source'];
/** Another content under the same version needs the package anew: nodes fetch one of a kind only once. */
const IMMUTABLE = ['accountName', 'resourceGroupName', 'applicationName', 'versionName'];

const titleOf = (props: Properties) =>
  `ApplicationPackage ${String(props.applicationName)} ${String(props.versionName)} (account ${String(props.accountName)})`;
const parts = (props: Properties) =>
  [accountOf(props), String(props.applicationName), String(props.versionName)] as const;

export const applicationPackage: Kind = {
  name: 'ApplicationPackage',
  /** Reads the file, or those of the folder: the digest becomes an input, so that a preview knows whether it has changed. */
  async check(_olds, news) {
    const failures = [...shapeFailures(news, SHAPE, REQUIRED), ...timeoutsFailures(news.timeouts)];
    const version = news.versionName;
    if (typeof version === 'string' && !holdsUnknown(version) && !VERSION_NAME.test(version))
      failures.push({
        property: 'versionName',
        reason:
          'must be 1 to 64 letters, digits, hyphens, underscores and dots, not a dot at first',
      });
    if (failures.length > 0 || holdsUnknown(news.source)) return { inputs: news, failures };
    try {
      return {
        inputs: { ...news, sourceDigest: await packageDigest(await packageSource(news)) },
        failures,
      };
    } catch (error) {
      return { inputs: news, failures: [{ property: 'source', reason: messageOf(error) }] };
    }
  },

  diff(_id, olds, news) {
    const replaces = replacedBy(olds, news, IMMUTABLE);
    if (news.sourceDigest !== olds.sourceDigest) replaces.push('source');
    const changed = (news.isDefault === true) !== (olds.isDefault === true);
    return diffResult(changed, replaces, ['versionName', 'applicationName', 'accountName']);
  },

  create: (inputs, ports) =>
    about(titleOf(inputs), async () => {
      const [account, application, version] = parts(inputs);
      if ((await isActive(inputs, ports)) && inputs.adoptExisting !== true)
        throw new Error(
          'exists already: choose another versionName, or set adoptExisting to replace its file',
        );
      const { storageUrl } = await ports.applicationPackages.put(...parts(inputs));
      const id = armId(account, 'applications', application, 'versions', version);
      const outs = await onceMade(
        id,
        () => ({ ...inputs, state: 'Pending' }),
        () => fill(String(storageUrl), inputs, ports),
      );
      return { id, outs };
    }),

  read: (_id, props, ports) =>
    about(titleOf(props), async () => {
      try {
        const outs = await outputs(props, ports);
        // Without its file it is no use: the next update makes it anew.
        return outs.state === 'Active' ? { props: outs } : undefined;
      } catch (error) {
        if (isCode(error, 'ResourceNotFound')) return undefined;
        throw error;
      }
    }),

  update: (_id, _olds, news, ports) =>
    about(titleOf(news), async () => {
      // The upload of its create may have failed.
      if (!(await isActive(news, ports))) {
        const { storageUrl } = await ports.applicationPackages.put(...parts(news));
        return fill(String(storageUrl), news, ports);
      }
      await setDefault(news, news.isDefault === true, ports);
      return outputs(news, ports);
    }),

  delete: (_id, props, ports) =>
    about(titleOf(props), async () => {
      try {
        await setDefault(props, false, ports);
      } catch (error) {
        if (isCode(error, 'ResourceNotFound')) return;
        throw error;
      }
      await ports.applicationPackages.delete(...parts(props));
    }),
};

/** The service refuses to delete a default version, and to name one that does not exist yet. */
async function setDefault(props: Properties, wanted: boolean, ports: Ports): Promise<void> {
  const [account, application, version] = parts(props);
  const { defaultVersion } = await ports.applications.get(account, application);
  const is = String(defaultVersion).toLowerCase() === version.toLowerCase();
  if (is !== wanted)
    await ports.applications.patch(account, application, {
      defaultVersion: wanted ? version : '',
    });
}

/** Puts the file where the service says, activates the version and answers with the outputs. Repeating it does no harm. */
async function fill(storageUrl: string, inputs: Properties, ports: Ports): Promise<Properties> {
  const packages = ports.applicationPackages;
  await packages.upload(storageUrl, await packageContent(await packageSource(inputs)));
  await packages.activate(...parts(inputs));
  if (inputs.isDefault === true) await setDefault(inputs, true, ports);
  return outputs(inputs, ports);
}

async function isActive(inputs: Properties, ports: Ports): Promise<boolean> {
  try {
    return (await ports.applicationPackages.get(...parts(inputs))).state === 'Active';
  } catch (error) {
    if (isCode(error, 'ResourceNotFound')) return false;
    throw error;
  }
}

async function outputs(props: Properties, ports: Ports): Promise<Properties> {
  // The signed address of the file is of no use in a state.
  const { state, format, lastActivationTime } = await ports.applicationPackages.get(
    ...parts(props),
  );
  return { ...props, state, format, lastActivationTime };
}
