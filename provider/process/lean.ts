import type { Properties } from '../core/json.js';
import type { Kind } from '../core/kind.js';

/**
 * The inputs of an object that was found, without those that say no more than the service's own default:
 * what is left is what a program has to say.
 */
export function leanInputs(
  kind: Kind,
  id: string,
  inputs: Properties,
  named: Properties,
): Properties {
  let lean = inputs;
  for (const name of Object.keys(inputs)) {
    if (name in named) continue;
    const { [name]: _without, ...rest } = lean;
    if (!kind.diff(id, inputs, rest).changes) lean = rest;
  }
  return lean;
}
