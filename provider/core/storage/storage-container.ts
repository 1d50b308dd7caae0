import { readFile } from 'node:fs/promises';
import { accountOf } from '../account-of.js';
import { armId } from '../arm-id.js';
import { shapeFailures } from '../check.js';
import { diffResult, replacedBy } from '../compare.js';
import { about, isCode, messageOf, onceMade } from '../failure.js';
import { holdsUnknown, objectOf, same, type Properties } from '../json.js';
import type { CheckFailure, Kind } from '../kind.js';
import type { Ports, Storage } from '../ports.js';
import { timeoutsFailures } from '../timeouts.js';
import { CHILD_SHAPE } from '../wire-kind.js';
import { digestsOf, filesOf } from './files.js';

const UPLOADS_AT_ONCE = 4;
const NAME = /^[a-z0-9](?:-?[a-z0-9]){2,62}$/;
const SHAPE = {
  ...CHILD_SHAPE,
  containerName: 'text',
  source: 'text',
  files: 'object',
  contents: 'object',
  workingDirectory: 'text',
  fileDigests: 'object',
} as const;

const nameOf = (props: Properties) => String(props.containerName);
const titleOf = (props: Properties) =>
  `StorageContainer ${nameOf(props)} (account ${String(props.accountName)})`;

export const storageContainer: Kind = {
  name: 'StorageContainer',
  /** Reads the files: their digests become an input, so that a preview knows what will be uploaded. */
  async check(_olds, news) {
    const failures = [
      ...shapeFailures(news, SHAPE, ['accountName', 'containerName']),
      ...timeoutsFailures(news.timeouts),
    ];
    const name = news.containerName;
    if (typeof name === 'string' && !holdsUnknown(name) && !NAME.test(name))
      failures.push({
        property: 'containerName',
        reason: 'must be 3 to 63 lower-case letters, digits and single hyphens',
      });
    failures.push(...contentFailures(news));
    if (failures.length > 0 || holdsUnknown(news.source) || holdsUnknown(news.files))
      return { inputs: news, failures };
    try {
      return { inputs: { ...news, fileDigests: await digestsOf(await filesOf(news)) }, failures };
    } catch (error) {
      const property = messageOf(error).startsWith('files') ? 'files' : 'source';
      return { inputs: news, failures: [{ property, reason: messageOf(error) }] };
    }
  },

  diff(_id, olds, news) {
    const replaces = replacedBy(olds, news, ['accountName', 'resourceGroupName', 'containerName']);
    const changed = ['fileDigests', 'contents'].some(
      (name) => !same(objectOf(news[name]), objectOf(olds[name])),
    );
    return diffResult(changed, replaces, ['containerName', 'accountName']);
  },

  async create(inputs, ports) {
    return about(titleOf(inputs), async () => {
      const storage = ports.storage(accountOf(inputs));
      if (!(await storage.createContainer(nameOf(inputs)))) await mayTakeOver(storage, inputs);
      const id = armId(accountOf(inputs), 'containers', nameOf(inputs));
      const nothing = { ...inputs, fileDigests: {}, contents: {} };
      await onceMade(
        id,
        () => outputs(nothing, ports),
        () => upload(storage, {}, inputs),
      );
      return { id, outs: outputs(inputs, ports) };
    });
  },

  async read(_id, props, ports) {
    return about(titleOf(props), async () => {
      try {
        const there = new Set(
          (await ports.storage(accountOf(props)).list(nameOf(props))).map(({ name }) => name),
        );
        const present = (blobs: unknown) =>
          Object.fromEntries(Object.entries(objectOf(blobs)).filter(([name]) => there.has(name)));
        const found = {
          fileDigests: present(props.fileDigests),
          ...(props.contents !== undefined && { contents: present(props.contents) }),
        };
        const lost =
          !same(found.fileDigests, objectOf(props.fileDigests)) ||
          !same(objectOf(found.contents), objectOf(props.contents));
        const kept = lost ? { ...props, ...found } : props;
        return { props: { ...kept, ...outputs(kept, ports) } };
      } catch (error) {
        if (isCode(error, 'ContainerNotFound')) return undefined;
        throw error;
      }
    });
  },

  async update(_id, olds, news, ports) {
    return about(titleOf(news), async () => {
      const storage = ports.storage(accountOf(news));
      await upload(storage, olds, news);
      // Only what we put there ourselves: results of tasks stay.
      const wanted = new Set(blobsOf(news));
      for (const blob of blobsOf(olds).filter((name) => !wanted.has(name)))
        await storage.delete(nameOf(news), blob);
      return outputs(news, ports);
    });
  },

  async delete(_id, props, ports) {
    await about(titleOf(props), async () => {
      try {
        await ports.storage(accountOf(props)).deleteContainer(nameOf(props));
      } catch (error) {
        if (!isCode(error, 'ContainerNotFound')) throw error;
      }
    });
  },
};

/** One that holds nothing but what we would put there is that of an earlier create whose answer was lost. */
async function mayTakeOver(storage: Storage, inputs: Properties): Promise<void> {
  if (inputs.adoptExisting === true) return;
  const wanted = new Set(blobsOf(inputs));
  const other = (await storage.list(nameOf(inputs))).find(({ name }) => !wanted.has(name));
  if (other !== undefined)
    throw new Error(
      `exists already and holds ${other.name}, which is not this stack's: choose another containerName, or set adoptExisting to take it over with all that it holds`,
    );
}

const blobsOf = (props: Properties) =>
  [
    ...new Set([
      ...Object.keys(objectOf(props.fileDigests)),
      ...Object.keys(objectOf(props.contents)),
    ]),
  ].sort();

function contentFailures(news: Properties): CheckFailure[] {
  const failures: CheckFailure[] = [];
  for (const property of ['files', 'contents'])
    for (const [blob, value] of Object.entries(objectOf(news[property]))) {
      if (typeof value !== 'string')
        failures.push({ property, reason: `${property}["${blob}"]: must be a text` });
      if (
        blob === '' ||
        blob.length > 1024 ||
        blob.startsWith('/') ||
        blob.split('/').some((part) => part === '..' || part === '.' || part === '')
      )
        failures.push({
          property,
          reason: `"${blob}" is no blob name: 1 to 1024 characters, parts between slashes neither empty nor dots`,
        });
    }
  return failures;
}

/** Puts what is new or has another digest than before. */
async function upload(storage: Storage, olds: Properties, news: Properties): Promise<void> {
  const [before, contentsBefore] = [objectOf(olds.fileDigests), objectOf(olds.contents)];
  const digests = objectOf(news.fileDigests);
  const files = await filesOf(news);
  const contents = Object.entries(objectOf(news.contents)).filter(
    ([blob, text]) => contentsBefore[blob] !== text,
  );
  const jobs = [
    ...[...files]
      .filter(([blob]) => before[blob] !== digests[blob])
      .map(
        ([blob, path]) =>
          async () =>
            storage.put(nameOf(news), blob, await readFile(path)),
      ),
    ...contents.map(
      ([blob, text]) =>
        async () =>
          storage.put(nameOf(news), blob, Buffer.from(String(text), 'utf8')),
    ),
  ];
  const lanes = Array.from({ length: UPLOADS_AT_ONCE }, async (_, lane) => {
    for (let at = lane; at < jobs.length; at += UPLOADS_AT_ONCE) await jobs[at]?.();
  });
  await Promise.all(lanes);
}

function outputs(inputs: Properties, ports: Ports): Properties {
  const { accountName } = accountOf(inputs);
  return {
    ...inputs,
    containerUrl: `${ports.endpoint}/storage/${accountName}/${nameOf(inputs)}`,
    blobNames: blobsOf(inputs),
  };
}
