import { CHANGES } from './changes.js';
import { isJson } from './json.js';
import { partsOf } from './parts.js';

/** The newest step: later versions need nothing. */
const NEWEST = CHANGES.at(-1)?.since ?? '';

const concerns = (version: string, since: string) => version.slice(0, since.length) < since;

/** The body of a request of an older api-version as today's; what is no object is left to its schema. */
export function upgradeRequest(version: string, operation: string, body: unknown): unknown {
  if (!concerns(version, NEWEST) || !isJson(body)) return body;
  for (const change of CHANGES)
    if (concerns(version, change.since))
      change.request?.(partsOf(operation, body), operation, body);
  return body;
}

/** Today's answer as an older api-version has it. */
export function downgradeReply(version: string, operation: string, body: object): object {
  if (!concerns(version, NEWEST)) return body;
  const copy: unknown = JSON.parse(JSON.stringify(body));
  if (!isJson(copy)) return body;
  for (const change of [...CHANGES].reverse())
    if (concerns(version, change.since)) change.reply?.(partsOf(operation, copy), operation, copy);
  return copy;
}

/** Properties that `$select` may name by an old name. */
const RENAMED: readonly [since: string, before: string, now: string][] = [
  ['2016-02', 'osFamily', 'cloudServiceConfiguration'],
  ['2016-02', 'targetOSVersion', 'cloudServiceConfiguration'],
  ['2016-02', 'currentOSVersion', 'cloudServiceConfiguration'],
  ['2017-01', 'runElevated', 'userIdentity'],
  ['2017-05', 'targetDedicated', 'targetDedicatedNodes'],
  ['2017-05', 'currentDedicated', 'currentDedicatedNodes'],
  ['2017-05', 'resizeError', 'resizeErrors'],
  ['2020-09', 'maxTasksPerNode', 'taskSlotsPerNode'],
];

/** `$select` of an older api-version in today's names. */
export function upgradeSelect(version: string, select: string): string {
  if (!concerns(version, NEWEST)) return select;
  const names = select.split(',').map((part) => {
    const name = part.trim();
    const found = RENAMED.find(([since, before]) => before === name && concerns(version, since));
    return found?.[2] ?? name;
  });
  return [...new Set(names)].join(',');
}

/** Actions that versions before 2016-02 may name in the query: `POST /pools/p?resize`. */
const ACTIONS: readonly string[] = [
  'canceldelete',
  'disable',
  'disableautoscale',
  'enable',
  'enableautoscale',
  'evaluateautoscale',
  'reboot',
  'reimage',
  'removenodes',
  'resize',
  'stopresize',
  'terminate',
  'updateproperties',
  'upgradeos',
];

/** The action that an early request names in its query. */
export function actionOf(version: string, query: ReadonlyMap<string, string>): string | undefined {
  if (!concerns(version, '2016-02')) return undefined;
  return ACTIONS.find((action) => query.get(action) === '');
}
