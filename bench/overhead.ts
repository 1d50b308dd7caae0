import { openBench } from './noop.js';
import { gnuParallel, xargs } from './peers.js';
import type { Measured } from './report.js';

const SLEEP_SECONDS = 0.1;
const SLOTS = 2;

const median = (values: number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

/** P5: how much of the ideal is left: tasks that sleep, on two slots, from the first add to the last result. */
export async function benchOverhead(tasks: number, rounds: number): Promise<void> {
  const bench = await openBench();
  const ideal = (tasks * SLEEP_SECONDS) / SLOTS;
  const sleep = ['/bin/sleep', String(SLEEP_SECONDS)];
  const contestants = [
    () => bench.run(tasks, sleep.join(' ')),
    () => xargs(tasks, sleep),
    () => gnuParallel(tasks, sleep.join(' ')),
  ];
  const runs: Measured[] = [];
  try {
    // The job learns that its tasks are short.
    await bench.run(50, sleep.join(' '));
    for (let round = 0; round < rounds; round += 1)
      for (const contestant of round % 2 === 0 ? contestants : contestants.toReversed())
        runs.push(await contestant());
  } finally {
    await bench.close();
  }
  console.log(
    `${tasks} × sleep ${SLEEP_SECONDS} on ${SLOTS} slots; ideal ${ideal.toFixed(1)} s\n\n| contestant | of the ideal: median (min–max) of ${rounds} |\n|---|---|`,
  );
  for (const name of new Set(runs.map((run) => run.name))) {
    const shares = runs
      .filter((run) => run.name === name)
      .map(({ seconds }) => (100 * ideal) / seconds);
    const [least, most] = [Math.min(...shares), Math.max(...shares)];
    console.log(
      `| ${name} | ${median(shares).toFixed(1)} % (${least.toFixed(1)}–${most.toFixed(1)}) |`,
    );
  }
}
