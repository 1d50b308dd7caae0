import { same, UNKNOWN, type Properties } from '../core/json.js';
import type { KindName } from '../dynamic/pointer.js';
import { SERVED } from './kinds.js';
import type { ResourceSchema } from './schema.js';

/** What a resource will be: what is given, and all the rest not known yet. */
export function createdLater({ computed }: ResourceSchema, inputs: Properties): Properties {
  return { ...Object.fromEntries(computed.map((name) => [name, UNKNOWN])), ...inputs };
}

/** What it will be after an update: outputs that the changed inputs don't move keep their value. */
export function updatedLater(
  { kindName, computed }: ResourceSchema,
  olds: Properties,
  inputs: Properties,
): Properties {
  const stays = (name: string) => !moves(kindName, name, olds, inputs);
  const outputs = computed.map((name) => [name, stays(name) ? olds[name] : UNKNOWN]);
  return { ...(Object.fromEntries(outputs) as Properties), ...inputs };
}

function moves(kindName: KindName, output: string, olds: Properties, news: Properties): boolean {
  const causes = SERVED[kindName].moves[output] ?? [];
  return causes.some((input) => input === '*' || !same(olds[input], news[input]));
}
