import type { Change } from '../committed.js';
import { check } from '../failure.js';
import type { Checker } from '../observers.js';

const NAME = 'life-cycles';

type Arrows = Record<string, readonly string[]>;

/** The contract's section 7, written down a second time. */
const JOB: Arrows = {
  active: ['disabling', 'terminating', 'deleting'],
  disabling: ['disabled', 'terminating', 'deleting'],
  disabled: ['enabling', 'terminating', 'deleting'],
  enabling: ['active', 'terminating', 'deleting'],
  terminating: ['completed', 'deleting'],
  completed: ['deleting'],
  deleting: [],
};
const JOB_SCHEDULE: Arrows = {
  active: ['disabled', 'terminating', 'completed', 'deleting'],
  disabled: ['active', 'terminating', 'completed', 'deleting'],
  terminating: ['completed', 'deleting'],
  completed: ['deleting'],
  deleting: [],
};
const TASK: Arrows = {
  active: ['preparing', 'running', 'completed'],
  preparing: ['running', 'active', 'completed'],
  running: ['active', 'completed'],
  completed: ['active'],
};
const POOL: Arrows = { active: ['deleting'], deleting: [] };
const ALLOCATION: Arrows = {
  steady: ['resizing'],
  resizing: ['steady', 'stopping'],
  stopping: ['steady', 'resizing'],
};
/** `starting`: its agent's process came back knowing nothing. */
const ANYTIME = [
  'starting',
  'leavingpool',
  'rebooting',
  'reimaging',
  'unknown',
  'unusable',
  'creating',
  'preempted',
];
const NODE: Arrows = {
  creating: ANYTIME,
  starting: ['waitingforstarttask', 'idle', 'starttaskfailed', ...ANYTIME],
  waitingforstarttask: ['idle', 'starttaskfailed', ...ANYTIME],
  idle: ['running', 'offline', ...ANYTIME],
  running: ['idle', 'offline', ...ANYTIME],
  starttaskfailed: ANYTIME,
  rebooting: ANYTIME,
  reimaging: ANYTIME,
  offline: ['idle', 'running', ...ANYTIME],
  unusable: ANYTIME,
  unknown: ['idle', 'running', 'waitingforstarttask', 'starttaskfailed', 'offline', ...ANYTIME],
  preempted: ANYTIME,
  // Only where the resize is stopped before its tasks were dealt with.
  leavingpool: ['idle', 'running', 'offline', 'waitingforstarttask', ...ANYTIME],
};

/** Everything that can be reached by some number of arrows: one commit may hold several. */
function reachable(arrows: Arrows): Map<string, ReadonlySet<string>> {
  const all = new Map<string, Set<string>>();
  for (const from of Object.keys(arrows)) {
    const found = new Set<string>([from]);
    for (const state of found) for (const to of arrows[state] ?? []) found.add(to);
    all.set(from, found);
  }
  return all;
}

const REACHABLE = {
  job: reachable(JOB),
  jobSchedule: reachable(JOB_SCHEDULE),
  task: reachable(TASK),
  pool: reachable(POOL),
  allocation: reachable(ALLOCATION),
  node: reachable(NODE),
};

const isMachine = (kind: string): kind is keyof typeof REACHABLE => kind in REACHABLE;

/** Only allowed transitions, and nothing that grows ever shrinks. */
export function lifeCyclesChecker(): Checker {
  return {
    name: NAME,
    committed({ changes }) {
      for (const change of changes) checkChange(change);
    },
  };
}

function checkChange(change: Change): void {
  const { before, after, key } = change;
  if (before === undefined || after === undefined) return;
  const arrow = (machine: keyof typeof REACHABLE, from: string, to: string) =>
    check(
      REACHABLE[machine].get(from)?.has(to) === true,
      NAME,
      () => `${machine} ${key} went from ${from} to ${to}`,
    );
  const grows = (what: string, from: number, to: number) =>
    check(to >= from, NAME, () => `${what} of ${key} fell from ${from} to ${to}`);
  // Gone and made anew under the same name within one commit.
  if (
    'creationTime' in before &&
    'creationTime' in after &&
    before.creationTime !== after.creationTime
  )
    return;
  if (isMachine(change.kind) && 'state' in before && 'state' in after)
    arrow(change.kind, before.state, after.state);
  switch (change.kind) {
    case 'job':
    case 'task':
    case 'jobSchedule':
      return checkOther(change, grows);
    case 'pool':
      if (change.before === undefined || change.after === undefined) return;
      return arrow('allocation', change.before.allocationState, change.after.allocationState);
    case 'node':
      if (change.before === undefined || change.after === undefined) return;
      check(
        change.before.leaving?.drained !== true || change.after.leaving?.drained === true,
        NAME,
        () => `node ${key} was let go and is back`,
      );
      grows('the incarnation', change.before.incarnation, change.after.incarnation);
      if (change.before.incarnation === change.after.incarnation)
        grows('the event number', change.before.lastEventSequence, change.after.lastEventSequence);
      return;
    default:
  }
}

/** The step that a row remembers is one arrow. */
function checkOther(
  change: Extract<Change, { kind: 'job' | 'task' | 'jobSchedule' }>,
  grows: (what: string, from: number, to: number) => void,
): void {
  const { kind, key, before, after } = change;
  if (before === undefined || after === undefined) return;
  const arrows = { job: JOB, task: TASK, jobSchedule: JOB_SCHEDULE }[kind];
  const { previousState } = after;
  if (previousState !== undefined && before.state !== after.state)
    check(
      arrows[previousState]?.includes(after.state) === true,
      NAME,
      () => `${kind} ${key} remembers a step from ${previousState} to ${after.state}`,
    );
  grows('the version', before.version, after.version);
  if (change.kind !== 'task' || change.before === undefined || change.after === undefined) return;
  grows('the try', change.before.attempt, change.after.attempt);
}
