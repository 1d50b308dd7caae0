import { holdsUnknown, listOf, objectOf, type Properties } from '../json.js';
import type { CheckFailure } from '../kind.js';

const DEALLOCATION = ['Requeue', 'Terminate', 'TaskCompletion', 'RetainedData'];

/** What can't be in a pool's inputs, beyond what the service's schema says about its body. */
export function poolFailures(inputs: Properties): CheckFailure[] {
  const settings = objectOf(inputs.scaleSettings);
  const failures: CheckFailure[] = [];
  if (settings.fixedScale !== undefined && settings.autoScale !== undefined)
    failures.push({
      property: 'scaleSettings',
      reason: 'fixedScale and autoScale exclude each other',
    });
  for (const name of Object.keys(settings))
    if (name !== 'fixedScale' && name !== 'autoScale')
      failures.push({
        property: 'scaleSettings',
        reason: `scaleSettings.${name}: is unknown; known are fixedScale and autoScale`,
      });
  failures.push(
    ...choice('scaleSettings', objectOf(settings.fixedScale).nodeDeallocationOption, DEALLOCATION, {
      place: 'scaleSettings.fixedScale.nodeDeallocationOption: ',
    }),
    ...choice('waitFor', inputs.waitFor, ['accepted', 'steady', 'nodesIdle'], { exact: true }),
    ...choice('interNodeCommunication', inputs.interNodeCommunication, ['Enabled', 'Disabled']),
    ...rollFailures(inputs.rollNodes),
    ...needs(inputs, 'certificates', ['id', 'thumbprint']),
    ...needs(inputs, 'applicationPackages', ['id']),
  );
  return failures;
}

function rollFailures(rollNodes: unknown): CheckFailure[] {
  const { atOnce, nodeRebootOption, ...rest } = objectOf(rollNodes);
  const failures = choice('rollNodes', nodeRebootOption, DEALLOCATION, {
    place: 'rollNodes.nodeRebootOption: ',
  });
  if (
    atOnce !== undefined &&
    !holdsUnknown(atOnce) &&
    !(Number.isInteger(atOnce) && Number(atOnce) > 0)
  )
    failures.push({
      property: 'rollNodes',
      reason: 'rollNodes.atOnce: must be a whole number above 0',
    });
  for (const name of Object.keys(rest))
    failures.push({
      property: 'rollNodes',
      reason: `rollNodes.${name}: is unknown; known are atOnce and nodeRebootOption`,
    });
  return failures;
}

function choice(
  property: string,
  value: unknown,
  allowed: readonly string[],
  { place = '', exact = false }: { place?: string; exact?: boolean } = {},
): CheckFailure[] {
  if (value === undefined || value === null || holdsUnknown(value)) return [];
  const form = (text: string) => (exact ? text : text.toLowerCase());
  return allowed.some((known) => form(known) === form(String(value)))
    ? []
    : [{ property, reason: `${place}must be one of ${allowed.join(', ')}` }];
}

/** Each item of a list must name what it refers to. */
function needs(inputs: Properties, property: string, names: readonly string[]): CheckFailure[] {
  return [...listOf(inputs[property]).entries()]
    .filter(
      ([, item]) =>
        !holdsUnknown(item) && names.every((name) => objectOf(item)[name] === undefined),
    )
    .map(([at]) => ({ property, reason: `${property}[${at}]: needs ${names.join(' or ')}` }));
}
