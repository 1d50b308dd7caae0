import type { Settings } from '../client/settings.js';
import { FUNCTIONS, type FunctionName } from '../core/functions/functions.js';
import { argumentFailures } from '../core/functions/look-up.js';
import { pureObject, type Properties } from '../core/json.js';
import { connect } from './connect.js';

/**
 * Runs a function in the program's own process.
 * @throws Error in one line that names function and argument, or what was looked for
 */
export async function lookUp(
  name: FunctionName,
  args: Properties,
  settings: Settings,
): Promise<Properties> {
  const given = pureObject(args);
  const failures = argumentFailures(FUNCTIONS[name], given);
  if (failures.length > 0)
    throw new Error(
      `${name}: ${failures.map(({ property, reason }) => `${property} ${reason}`).join('; ')}`,
    );
  return FUNCTIONS[name].read(given, connect(given, settings));
}
