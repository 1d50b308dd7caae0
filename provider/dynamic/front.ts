import type { dynamic } from '@pulumi/pulumi';
import type { Settings } from '../client/settings.js';
import { Incomplete } from '../core/failure.js';
import { pureObject, type Properties } from '../core/json.js';
import type { Kind } from '../core/kind.js';
import { connect } from './connect.js';
import { POINTER_PROPERTY } from './pointer.js';

/** A kind of the core as Pulumi's dynamic providers want it. */
export function front(kind: Kind): dynamic.ResourceProvider<Properties, Properties> {
  let settings: Settings = {};
  const ports = (props: Properties) => connect(props, settings);
  return {
    // Stored before anything is awaited: Pulumi doesn't wait for this one in parallel operations.
    configure({ config }) {
      const text = (key: string) => config.get(`batchyard:${key}`);
      settings = Object.fromEntries(
        (['endpoint', 'adminToken', 'caFile'] as const).map((key) => [key, text(key)]),
      );
      return Promise.resolve();
    },
    check: (olds, news) =>
      quiet(async () => {
        const { inputs, failures } = await kind.check(plain(olds), plain(news));
        return { inputs: pureObject(inputs), failures };
      }),
    diff: (id, olds, news) =>
      quiet(() => {
        const found = kind.diff(id, plain(olds), plain(news));
        const { changes, replaces, deleteBeforeReplace, notes = [] } = found;
        for (const note of notes) console.log(`${kind.name} ${shortOf(id)}: ${note}`);
        return Promise.resolve({ changes, replaces: [...new Set(replaces)], deleteBeforeReplace });
      }),
    create: (inputs) =>
      reported(inputs, async () => {
        const { id, outs } = await kind.create(plain(inputs), ports(inputs));
        return { id, outs: pureObject(outs) };
      }),
    read: (id, props = {}) =>
      quiet(async () => {
        const found = await kind.read(id, plain(props), ports(props));
        if (found === undefined) return gone(kind, id, props);
        const { props: outs, inputs } = found;
        return {
          id,
          props: pureObject(outs),
          ...(inputs !== undefined && { inputs: pureObject(inputs) }),
        };
      }),
    update: (id, olds, news) =>
      reported(news, async () => ({
        outs: pureObject(await kind.update(id, plain(olds), plain(news), ports(news))),
      })),
    delete: (id, props) => quiet(() => kind.delete(id, plain(props), ports(props))),
  };
}

/** `p1` of `…/batchAccounts/a/pools/p1`, `work/tasks` of `…/jobs/work/tasks`. */
const shortOf = (id: string) => /batchAccounts\/[^/]+\/[^/]+\/(.+)$/.exec(id)?.[1] ?? id;

/** A resource of the state is dropped from it; one that a program only looks up must be there. */
function gone(kind: Kind, id: string, props: Properties): dynamic.ReadResult<Properties> {
  if (Object.keys(plain(props)).length === 0) throw new Error(`${kind.name} ${id} does not exist`);
  // An empty id is how a dynamic provider says that there is none.
  return { id: '', props: {} };
}

/** Without Pulumi's own property. */
function plain(props: Properties): Properties {
  const { [POINTER_PROPERTY]: _pointer, ...rest } = props;
  return rest;
}

/** Pulumi prints the stack of an error here, which says nothing to a user. */
async function quiet<Result>(step: () => Promise<Result>): Promise<Result> {
  try {
    return await step();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw Object.assign(new Error(message), { stack: '' });
  }
}

/**
 * Keeps what Pulumi reads from an error about a half-made resource; all of it as pure JSON. Pulumi takes
 * these outputs as they are: without the pointer among them it could never delete the resource.
 */
async function reported<Result>(inputs: Properties, step: () => Promise<Result>): Promise<Result> {
  try {
    return await step();
  } catch (error) {
    if (!(error instanceof Incomplete))
      return quiet(() => Promise.reject(error instanceof Error ? error : new Error(String(error))));
    const { id, message, reasons } = error;
    throw Object.assign(new Error(message), {
      id,
      properties: pureObject({
        ...error.properties,
        [POINTER_PROPERTY]: inputs[POINTER_PROPERTY],
      }),
      reasons,
    });
  }
}
