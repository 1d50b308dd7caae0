import { processorTimeOf } from './figures.js';
import { openWorld, type Link } from './throughput.js';
import { pause } from './world.js';

const QUIET_MS = 15_000;

/** What so many nodes cost that have nothing to do but heartbeat, and what they complete then while more tasks wait. */
export async function heartbeats(
  link: Link,
  { agents, tasks, waiting }: { agents: number; tasks: number; waiting: number },
): Promise<void> {
  const world = await openWorld(link, agents);
  try {
    const [, quiet] = await processorTimeOf(() => pause(QUIET_MS));
    const share = quiet / 1000 / QUIET_MS;
    console.log(
      `${agents} nodes, by ${link}: heartbeats take ${(100 * share).toFixed(1)} % of one core, ` +
        `${((share * 5_000 * 1000) / (agents / 1000) / 1000).toFixed(1)} ms for 1,000 of them`,
    );
    await world.addWaitingJob('job', waiting + tasks);
    const [seconds, time] = await processorTimeOf(() => world.drain('job', tasks));
    console.log(
      `${agents} nodes, by ${link}, ${waiting} more tasks waiting: ${(tasks / seconds).toFixed(0)} completions/s, ${(time / tasks).toFixed(0)} µs of a processor each`,
    );
  } finally {
    await world.close();
  }
}
