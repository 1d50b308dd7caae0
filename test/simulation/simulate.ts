import { unfinished } from './checkers/convergence.js';
import type { Coverage } from './coverage.js';
import { SimulationFailure } from './failure.js';
import { mend } from './mend.js';
import { optionsOf } from './options.js';
import type { Canary } from './plant.js';
import { Workload } from './workload.js';
import { World } from './world.js';

/** What went wrong, as it travels between processes. */
type Failure = Pick<SimulationFailure, 'kind' | 'checker' | 'message'>;

/** What came of one seed. */
export interface Outcome {
  readonly seed: number;
  /** Of every transition, in order: two runs of a seed agree. */
  readonly hash: string;
  readonly transitions: number;
  readonly commits: number;
  /** Virtual time that passed. */
  readonly virtualMs: number;
  readonly failure?: Failure;
  readonly coverage: Coverage['counts'];
  /** The last transitions before it failed. */
  readonly last: readonly string[];
}

/**
 * One seed: a phase in which anything may fail and every checker looks at every step, then a phase
 * without faults in which everything must come to its end within a bound of virtual time.
 */
export async function simulate(
  seed: number,
  { canary, print }: { canary?: Canary; print?: (line: string) => void } = {},
): Promise<Outcome> {
  const options = optionsOf(seed, canary);
  const world = new World(options, print);
  const begun = world.now;
  const outcome = () => ({
    seed,
    hash: world.transitions.hash,
    transitions: world.transitions.count,
    commits: world.disk.commits,
    virtualMs: world.now - begun,
    last: world.transitions.last,
    coverage: world.coverage.counts,
  });
  try {
    await bothPhases(world);
    return outcome();
  } catch (error) {
    const failure =
      error instanceof SimulationFailure
        ? error
        : new SimulationFailure('crash', 'simulation', String((error as Error).stack ?? error), {
            cause: error,
          });
    const { kind, checker, message } = failure;
    return { ...outcome(), failure: { kind, checker, message } };
  }
}

async function bothPhases(world: World): Promise<void> {
  const workload = new Workload(world);
  world.start();
  workload.start();
  await world.runUntil(world.now + world.options.safetyMs);
  workload.stop();
  world.calm();
  let done = false;
  mend(workload, () => done);
  const completed = () =>
    [...world.committed.tables.job.values()].reduce(
      (sum, job) => sum + job.taskCounts.completed,
      0,
    );
  // Queues may be long and slots few: as long as tasks complete, the end is only far away.
  for (let before = -1; !done && completed() > before;) {
    before = completed();
    done = await world.waitFor(
      () => unfinished(world).length === 0,
      world.options.livenessMs,
      5_000,
    );
  }
  if (done) return world.end();
  const lines = unfinished(world);
  throw new SimulationFailure('liveness', 'convergence', lines.slice(0, 12).join('; '));
}
