import { cronCalendar } from '../../controller/config/cron-calendar.js';
import { DEFAULT_TIMES, type Hypervisor, type Settings } from '../../controller/core/settings.js';
import type { Canary } from './plant.js';
import { randomStream, type RandomStream } from './random.js';

/** What may go wrong; each is off, rare or frequent in a world. */
const FAULTS = [
  'controllerCrash', // the process dies between any two commits
  'commitRefused', // the store writes nothing and says so
  'linkLoss', // a connection dies, what is under way with it
  'lateDelivery', // what was under way on a dead connection arrives after all
  'partition', // a node reaches nobody for longer than its lease
  'slowNetwork',
  'requestLost', // a client's request or its answer
  'nodeDeath',
  'agentRestart', // the agent's process dies and comes back with the same secret
  'slowAgent',
  'createFails',
  'createHangs',
  'createAnswerLost', // the node exists, but its provider says that it failed
  'destroyFails',
  'hypervisorLoss', // a hypervisor answers nothing for a while: alone, with its nodes, or after they died
  'bootHangs', // the node exists, its agent never calls
  'startTaskFails',
  'prepareFails',
  'clockJump', // somebody sets the controller's clock, forwards or back
  'longOutage', // a dead controller comes back after minutes only
] as const;
export type Fault = (typeof FAULTS)[number];
export type Rate = 'off' | 'rare' | 'frequent';

/** What a workload makes use of. */
const FEATURES = [
  'dependencies',
  'retries',
  'priorities',
  'wideTasks',
  'shortTasks',
  'longTasks',
  'maxParallel',
  'collections',
  'resizes',
  'nodeRemovals',
  'nodeRestarts',
  'nodeScheduling',
  'startTasks',
  'jobSchedules',
  'jobManagers',
  'jobPreparation',
  'disables',
  'terminations',
  'deletions',
  'poolDeletions',
  'patches',
  'groups', // multi-instance tasks
  'autoScale',
  'factories',
  'cronSchedules',
  'preemption', // of tasks, by jobs of higher priority
  'capacity', // hypervisors are too small for all that pools want
  'lowPriority',
  'imageUpgrades',
  'autoPools',
  'maintenance', // of hypervisors, which are drained
] as const;
export type Feature = (typeof FEATURES)[number];

/** One world, drawn from its seed. */
export interface Options {
  readonly seed: number;
  readonly canary?: Canary | undefined;
  readonly faults: Record<Fault, Rate>;
  readonly features: Record<Feature, boolean>;
  /** vCPUs of each hypervisor, by name, while the first phase lasts; none: nothing is counted. */
  readonly hypervisorVcpus: Readonly<Record<string, number>>;
  readonly poolsMaximum: number;
  readonly nodesMaximum: number;
  readonly slotsMaximum: number;
  readonly jobsMaximum: number;
  readonly tasksMaximum: number;
  /** Virtual length of the phase in which anything may fail. */
  readonly safetyMs: number;
  /** Virtual time without any task's completion after which everything must have come to its end. */
  readonly livenessMs: number;
  /** Mean pause between two actions of the workload. */
  readonly pauseMs: number;
  readonly settings: Settings;
}

const MINUTE = 60_000;

const settingsOf = (
  random: RandomStream,
  deaths: RandomStream,
  hypervisors: Hypervisor[],
): Settings => ({
  ...DEFAULT_TIMES,
  cron: cronCalendar(),
  bootTimeoutMs: random.pick([2 * MINUTE, 5 * MINUTE]),
  stopTimeoutMs: random.pick([20_000, MINUTE]),
  jobScheduleMinimumIntervalMs: 1_000,
  autoScaleMinimumIntervalMs: 5_000,
  nodeRetryMaximumMs: MINUTE,
  nodeDeathsMaximum: deaths.pick([1, 2, 5]),
  images: [
    {
      publisher: 'batchyard',
      offer: 'process',
      sku: 'local',
      version: 'latest',
      nodeAgentSkuId: 'batch.node.process',
      osType: 'linux',
      verificationType: 'verified',
      nodeProvider: 'process',
    },
  ],
  vmSizes: [
    { name: 'standard_d1_v2', vcpus: 2, memoryMiB: 3584, diskGiB: 50 },
    { name: 'standard_d2_v2', vcpus: 4, memoryMiB: 7168, diskGiB: 100 },
  ],
  hypervisors,
});

/** Places for nodes; how large they are they tell themselves. */
const hypervisorNamed = (name: string): Hypervisor => ({
  name,
  nodeProvider: 'process',
  discovered: true,
  capacity: {},
  overCommit: { vcpus: 1, memory: 1, disk: 1 },
  labels: {},
  hostDevices: [],
  maintenance: false,
});

const RATES = ['off', 'off', 'rare', 'frequent'] as const;

/** Draws a world: each fault kind off, rare or frequent; each feature on or off; sizes mostly small. */
export function optionsOf(seed: number, canary?: Canary): Options {
  const random = randomStream(seed, 'options');
  const drawn = (name: string) => randomStream(seed, name);
  const calm = random.chance(0.1);
  const faults = Object.fromEntries(
    FAULTS.map((fault) => [fault, calm ? 'off' : drawn(`fault ${fault}`).pick(RATES)]),
  ) as Record<Fault, Rate>;
  const features = Object.fromEntries(
    FEATURES.map((feature) => [feature, drawn(`feature ${feature}`).chance(0.6)]),
  ) as Record<Feature, boolean>;
  const large = random.chance(0.04);
  const poolsMaximum = random.int(1, 3);
  // Of each kind; pools whose nodes communicate have a hundred at most.
  const nodesMaximum = large ? random.int(20, 50) : random.int(1, 6);
  const places = drawn('hypervisors');
  const count = places.int(1, 3);
  const hypervisorVcpus = Object.fromEntries(
    Array.from({ length: count }, (_, n) => [
      `h${n + 1}`,
      // From less than one pool wants to about what two want together.
      Math.max(4, Math.ceil((nodesMaximum * places.int(2, 8)) / count)),
    ]),
  );
  return {
    seed,
    canary,
    hypervisorVcpus: features.capacity ? hypervisorVcpus : {},
    faults,
    features,
    poolsMaximum,
    nodesMaximum,
    slotsMaximum: random.pick([1, 2, 4, 8]),
    jobsMaximum: random.int(1, 6),
    tasksMaximum: large ? random.int(300, 900) : random.int(10, 250),
    safetyMs: random.int(4, 15) * MINUTE,
    livenessMs: 60 * MINUTE,
    pauseMs: random.pick([100, 500, 2_000]),
    settings: settingsOf(
      random,
      drawn('deaths'),
      features.capacity ? Object.keys(hypervisorVcpus).map(hypervisorNamed) : [],
    ),
  };
}

/** Nothing goes wrong: the second phase of a world, and the start of hand-written scenes. */
export const calmFaults = (): Record<Fault, Rate> =>
  Object.fromEntries(FAULTS.map((fault) => [fault, 'off'])) as Record<Fault, Rate>;

/** The chance that one single action goes wrong in this way. */
export const chanceOf = (rate: Rate) => ({ off: 0, rare: 0.02, frequent: 0.2 })[rate];

/** Mean time between two occurrences of something that happens by itself. */
export const meanPauseOf = (rate: Rate) =>
  ({ off: Infinity, rare: 10 * MINUTE, frequent: MINUTE })[rate];
