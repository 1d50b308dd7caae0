import type { InvokeRequest } from '@pulumi/pulumi/proto/provider_pb.js';
import { FUNCTIONS, type FunctionName } from '../core/functions/functions.js';
import { argumentFailures, type LookUp } from '../core/functions/look-up.js';
import { holdsUnknown, type Properties } from '../core/json.js';
import type { CheckFailure } from '../core/kind.js';
import { fromStruct } from './answer.js';
import { nameOfFunction } from './schema.js';
import { NO_MARKS, received, wrapped } from './secret-marks.js';
import type { Session } from './session.js';

/** Runs one function of the package. Nothing is asked while an argument is not known yet. */
export async function invoke(
  session: Session,
  request: InvokeRequest,
): Promise<{ result?: Properties; failures: CheckFailure[] }> {
  const name = nameOfFunction(request.getTok());
  if (name === undefined || !(name in FUNCTIONS))
    throw new Error(
      `there is no function ${request.getTok()}; known are ${Object.keys(FUNCTIONS).join(', ')}`,
    );
  const look: LookUp = FUNCTIONS[name as FunctionName];
  const { value: args } = received(fromStruct(request.getArgs()));
  const failures = argumentFailures(look, args);
  if (failures.length > 0) return { failures };
  if (holdsUnknown(args)) return { result: {}, failures };
  const result = await look.read(args, session.ports(args, ''));
  const secret = new Set(session.acceptsSecrets ? look.secret : []);
  return { result: wrapped(result, NO_MARKS, secret), failures };
}
