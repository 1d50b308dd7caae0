import { shapeFailures } from '../check.js';
import type { Properties } from '../json.js';
import type { CheckFailure } from '../kind.js';
import type { Ports } from '../ports.js';
import type { Shape } from '../wire-kind.js';

/**
 * Reads something that exists: a plain function over plain JSON. Rejects where there is none, in the
 * service's own words.
 */
export interface LookUp {
  shape: Shape;
  required: readonly string[];
  /** Results that are kept encrypted. */
  secret?: readonly string[];
  read(args: Properties, ports: Ports): Promise<Properties>;
}

/** Arguments that every function takes. */
export const ACCOUNT_SHAPE = {
  accountName: 'text',
  resourceGroupName: 'text',
  connection: 'object',
} as const satisfies Shape;

export const argumentFailures = ({ shape, required }: LookUp, args: Properties): CheckFailure[] =>
  shapeFailures(args, shape, required);
