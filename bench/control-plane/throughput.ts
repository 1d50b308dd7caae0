import { DirectAgents } from './direct-agents.js';
import { processorTimeOf } from './figures.js';
import { WireAgents } from './wire-agents.js';
import { World } from './world.js';

export interface Run {
  /** Tasks a second, from the word to begin to the last result that the store gives back. */
  rate: number;
  /** Microseconds of a processor a task, of the controller alone. */
  processorTime: number;
}
export type Link = 'calls' | 'protocol';

/** A world with so many idle nodes of one slot, warmed up. */
export async function openWorld(link: Link, agents: number): Promise<World> {
  const wire = link === 'protocol' ? await WireAgents.open() : undefined;
  const world = await World.open(wire ?? new DirectAgents());
  if (wire !== undefined) wire.world = world;
  await world.addPool(agents);
  await world.addWaitingJob('warm', 5_000);
  await world.drain('warm', 5_000);
  return world;
}

/** Tasks that wait, then all run: submission is not part of it. */
export async function drained(link: Link, agents: number, tasks: number): Promise<Run> {
  const world = await openWorld(link, agents);
  try {
    await world.addWaitingJob('job', tasks);
    const [seconds, time] = await processorTimeOf(() => world.drain('job', tasks));
    return { rate: tasks / seconds, processorTime: time / tasks };
  } finally {
    await world.close();
  }
}
