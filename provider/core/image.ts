import { IMAGE_NAME, ImageProperties } from '../../protocol/management/image.js';
import { SUBSCRIPTION } from './arm-id.js';
import { schemaFailures, shapeFailures } from './check.js';
import { diffResult } from './compare.js';
import { about, isCode, onceMade } from './failure.js';
import { given, holdsUnknown, objectOf, sameMeaning, textOf, type Properties } from './json.js';
import type { CheckFailure, Kind } from './kind.js';
import type { Ports } from './ports.js';
import { timeoutsFailures } from './timeouts.js';
import { removeAndWait, timeoutMs, waitUntil } from './wait.js';
import { inputsIn } from './wire-kind.js';

const PROPERTIES = [
  'source',
  'sha256',
  'publisher',
  'offer',
  'sku',
  'version',
  'nodeAgentSkuId',
  'osType',
  'verificationType',
] as const;
const SHAPE = {
  imageName: 'text',
  location: 'text',
  ...(Object.fromEntries(PROPERTIES.map((name) => [name, 'text'])) as Record<string, 'text'>),
  connection: 'object',
  adoptExisting: 'yes or no',
  timeouts: 'object',
} as const;
const DEFAULT_LOCATION = 'local';

const nameOf = (props: Properties) => String(props.imageName);
const locationOf = (props: Properties) => textOf(props.location) ?? DEFAULT_LOCATION;
const titleOf = (props: Properties) => `Image ${nameOf(props)}`;
const bodyOf = (props: Properties) =>
  given(Object.fromEntries(PROPERTIES.map((name) => [name, props[name]])));
/** With the service's defaults; as it is where it is not valid. */
const normal = (body: Properties): Properties => {
  const result = ImageProperties.safeParse(body);
  return result.success ? { ...result.data } : body;
};
/** What the source is checked against is not what it turned out to be, and addresses are shown without secrets. */
const TOLD = PROPERTIES.filter((name) => name !== 'source' && name !== 'sha256');

/** A disk image that the controller imports once and offers to pools of every account. */
export const image: Kind = {
  name: 'Image',
  check(_olds, news) {
    const failures = shapeFailures(news, SHAPE, ['imageName', 'source', 'nodeAgentSkuId']);
    const name = news.imageName;
    if (typeof name === 'string' && !holdsUnknown(name) && !IMAGE_NAME.test(name))
      failures.push({
        property: 'imageName',
        reason: 'must be 1 to 80 letters, digits, dashes, dots and underscores',
      });
    if (failures.length === 0)
      failures.push(
        ...schemaFailures(ImageProperties, bodyOf(news), news, (path) => path).map(unshown),
        ...timeoutsFailures(news.timeouts),
      );
    return Promise.resolve({ inputs: news, failures });
  },

  diff(_id, olds, news) {
    const replaces = ['imageName'].filter((name) => news[name] !== olds[name]);
    if (locationOf(news) !== locationOf(olds)) replaces.push('location');
    const changed = !sameMeaning('', normal(bodyOf(olds)), normal(bodyOf(news)));
    const notes =
      news.source === olds.source
        ? []
        : ['nodes that exist keep the content that they were made from until they are reimaged'];
    return { ...diffResult(changed, replaces, ['imageName']), notes };
  },

  create: (inputs, ports) =>
    about(titleOf(inputs), async () => {
      const found = await find(inputs, ports);
      if (found && inputs.adoptExisting !== true && !fits(found, inputs))
        throw new Error(
          'exists already with other values: choose another imageName, or set adoptExisting to take it over',
        );
      await ports.images.put(locationOf(inputs), nameOf(inputs), bodyOf(inputs));
      const id = `/subscriptions/${SUBSCRIPTION}/providers/Microsoft.Batch/locations/${locationOf(inputs)}/images/${nameOf(inputs)}`;
      const outs = await onceMade(
        id,
        () => inputs,
        () => imported(inputs, ports, 'create'),
      );
      return { id, outs };
    }),

  read: (_id, props, ports) =>
    about(titleOf(props), async () => {
      const found = await find(props, ports);
      if (!found) return undefined;
      const inputs = inputsIn(SHAPE, props);
      const [wanted, there] = [normal(bodyOf(inputs)), objectOf(found.properties)];
      for (const name of TOLD)
        if (!sameMeaning(name, wanted[name], there[name])) inputs[name] = there[name];
      return { props: { ...inputs, ...computed(found) }, inputs };
    }),

  update: (id, _olds, news, ports) =>
    about(titleOf(news), async () => {
      await ports.images.put(locationOf(news), nameOf(news), bodyOf(news));
      return onceMade(
        id,
        () => news,
        () => imported(news, ports, 'update'),
      );
    }),

  delete: (_id, props, ports) =>
    about(titleOf(props), () =>
      removeAndWait(ports, `image ${nameOf(props)}`, timeoutMs(props, 'delete'), {
        remove: () => ports.images.delete(locationOf(props), nameOf(props)),
        get: () => ports.images.get(locationOf(props), nameOf(props)),
        goneCodes: ['ResourceNotFound'],
        goingCode: 'ImageBeingDeleted',
      }),
    ),
};

/** Pulumi prints the value of a property that failed, and a source may be signed. */
const unshown = (failure: CheckFailure): CheckFailure =>
  failure.property === 'source' ? { property: '', reason: `source: ${failure.reason}` } : failure;

const fits = (found: Properties, inputs: Properties): boolean => {
  const [wanted, there] = [normal(bodyOf(inputs)), objectOf(found.properties)];
  return TOLD.every((name) => sameMeaning(name, wanted[name], there[name]));
};

async function find(props: Properties, ports: Ports): Promise<Properties | undefined> {
  try {
    return await ports.images.get(locationOf(props), nameOf(props));
  } catch (error) {
    if (isCode(error, 'ResourceNotFound')) return undefined;
    throw error;
  }
}

/** Waits until the content is there and checked. */
async function imported(
  inputs: Properties,
  ports: Ports,
  step: 'create' | 'update',
): Promise<Properties> {
  const what = `image ${nameOf(inputs)} is being imported`;
  const found = await waitUntil(ports, what, timeoutMs(inputs, step), async () => {
    const now = await ports.images.get(locationOf(inputs), nameOf(inputs));
    const { provisioningState, importProgress, importError } = objectOf(now.properties);
    if (provisioningState === 'Failed') {
      const { code, message } = objectOf(importError);
      throw new Error(`the import failed: ${String(code)}: ${String(message)}`);
    }
    if (provisioningState === 'Succeeded') return { done: now };
    const { bytes, totalBytes } = objectOf(importProgress);
    const total = totalBytes === undefined ? '' : ` of ${String(totalBytes)}`;
    return { seen: `${String(bytes ?? 0)}${total} bytes` };
  });
  return { ...inputs, ...computed(found) };
}

function computed(found: Properties): Properties {
  const { provisioningState, sha256, sizeBytes, creationTime } = objectOf(found.properties);
  return { provisioningState, contentSha256: sha256, sizeBytes, creationTime };
}
