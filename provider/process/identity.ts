import { accountOf, DEFAULT_RESOURCE_GROUP } from '../core/account-of.js';
import { armId, SUBSCRIPTION } from '../core/arm-id.js';
import type { Properties } from '../core/json.js';
import type { KindName } from '../dynamic/pointer.js';

/** What stands in an id of Azure's resource manager before the parts that name the resource. */
const ARM_ID =
  /^\/subscriptions\/[^/]+\/resourceGroups\/([^/]+)\/providers\/Microsoft\.Batch\/batchAccounts\/([^/]+)((?:\/[^/]+)*)$/i;

/** Images belong to no account. */
const IMAGE_ID =
  /^(?:\/subscriptions\/[^/]+\/providers\/Microsoft\.Batch\/locations\/([^/]+)\/images\/)?([^/]+)$/i;

/** The parts of the id below the account: the collection's name, then the input that the next part is. */
const BELOW: Partial<Record<KindName, readonly (readonly [string, string])[]>> = {
  account: [],
  pool: [['pools', 'poolName']],
  job: [['jobs', 'jobId']],
  task: [
    ['jobs', 'jobId'],
    ['tasks', 'taskId'],
  ],
  jobSchedule: [['jobSchedules', 'jobScheduleId']],
  certificate: [['certificates', 'thumbprint']],
  application: [['applications', 'applicationName']],
  applicationPackage: [
    ['applications', 'applicationName'],
    ['versions', 'versionName'],
  ],
  storageContainer: [['containers', 'containerName']],
};

/**
 * The inputs that an id names: a full id, or the short form `account/pool` (`account/application/version`
 * and so on) for what lies in the default resource group.
 * @throws Error that says both forms
 */
export function inputsOfId(kind: KindName, title: string, id: string): Properties {
  if (kind === 'image') return inputsOfImage(id);
  const below = BELOW[kind];
  if (below === undefined) throw new Error(`a ${title} can't be looked up by its id`);
  const [, resourceGroupName = DEFAULT_RESOURCE_GROUP, account, rest = ''] = ARM_ID.exec(id) ?? [];
  const parts = account === undefined ? shortParts(id) : [account, ...longParts(rest, below)];
  if (parts.length !== below.length + 1 || parts.some((part) => part === ''))
    throw new Error(`the id ${id} is not one of a ${title}: ${forms(below)}`);
  const [accountName, ...names] = parts;
  const named = below.map(([, input], at) => [input, withoutAlgorithm(input, names[at] ?? '')]);
  return {
    accountName,
    ...(resourceGroupName.toLowerCase() !== DEFAULT_RESOURCE_GROUP && { resourceGroupName }),
    ...(Object.fromEntries(named) as Properties),
  };
}

function inputsOfImage(id: string): Properties {
  const [, location, imageName] = IMAGE_ID.exec(id) ?? [];
  if (imageName === undefined)
    throw new Error(
      `the id ${id} is not one of an Image: give imageName or the full id, /subscriptions/…/providers/Microsoft.Batch/locations/LOCATION/images/imageName`,
    );
  return { imageName, ...(location !== undefined && location !== 'local' && { location }) };
}

/** The full id of what these inputs name. */
export function idOfInputs(kind: KindName, inputs: Properties): string {
  if (kind === 'image')
    return `/subscriptions/${SUBSCRIPTION}/providers/Microsoft.Batch/locations/${String(inputs.location ?? 'local')}/images/${String(inputs.imageName)}`;
  const below = (BELOW[kind] ?? []).flatMap(([collection, input]) => {
    const name = String(inputs[input]);
    return [collection, input === 'thumbprint' ? `sha1-${name}` : name];
  });
  return armId(accountOf(inputs), ...below);
}

const shortParts = (id: string) => (id.startsWith('/') ? [] : id.split('/'));

/** Certificates stand in ids as `sha1-THUMBPRINT`. */
const withoutAlgorithm = (input: string, text: string) =>
  input === 'thumbprint' ? text.replace(/^sha1-/i, '') : text;

function longParts(rest: string, below: readonly (readonly [string, string])[]): string[] {
  const parts = rest.split('/').slice(1);
  const fits = below.every(
    ([collection], at) => parts[2 * at]?.toLowerCase() === collection.toLowerCase(),
  );
  return fits ? parts.filter((_part, at) => at % 2 === 1) : [];
}

const forms = (below: readonly (readonly [string, string])[]) =>
  `give ${['ACCOUNT', ...below.map(([, input]) => input)].join('/')} or the full id, /subscriptions/…/resourceGroups/…/providers/Microsoft.Batch/batchAccounts/${['ACCOUNT', ...below.map(([collection, input]) => `${collection}/${input}`)].join('/')}`;

/** `urn:pulumi:STACK::PROJECT::TYPES::NAME`, as far as a resource's own type and name need it. */
export function partsOfUrn(urn: string): {
  stack: string;
  project: string;
  /** `batchyard:index:Pool` */
  type: string;
  name: string;
} {
  const [head = '', project = '', types = '', ...name] = urn.split('::');
  return {
    stack: head.replace(/^urn:pulumi:/, ''),
    project,
    type: types.split('$').at(-1) ?? '',
    name: name.join('::'),
  };
}
