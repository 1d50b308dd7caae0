import type { Conditions } from '../../engine/command.js';
import type { AccountKey } from '../../../protocol/keys.js';
import type { QueryContext } from '../../queries/context.js';
import type { Call } from '../call.js';

/** The id that the path template names; the pattern guarantees it. */
export function idOf(call: Call, name: string): string {
  const id = call.ids[name];
  if (id === undefined) throw new Error(`the path ${call.context.path} names no ${name}`);
  return id;
}

type Named<Names extends string> = { [Name in Names]: string };

/** The named ids of the path. */
export const idsOf = <const Names extends string>(call: Call, ...names: Names[]): Named<Names> =>
  Object.fromEntries(names.map((name) => [name, idOf(call, name)])) as Named<Names>;

/** What every command gets: account, ids of the path, conditions and the body. */
export const commandInput = <Body, const Names extends string>(
  call: Call<Body>,
  ...names: Names[]
): { account: AccountKey; body: Body; conditions?: Conditions } & Named<Names> => ({
  account: call.account,
  ...idsOf(call, ...names),
  body: call.body,
  conditions: call.conditions,
});

export const queryContext = (call: Call): QueryContext => ({
  reader: call.ports.reader,
  baseUrl: call.baseUrl,
  now: call.ports.clock.now(),
  vmSizes: call.ports.settings.vmSizes,
});
