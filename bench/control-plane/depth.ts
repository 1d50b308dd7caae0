import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Filter } from '../../controller/engine/reader.js';
import { jobKey } from '../../protocol/keys.js';
import { DirectAgents } from './direct-agents.js';
import { mebibytes, median, processorTimeOf } from './figures.js';
import { openPeers } from './peers.js';
import { ACCOUNT, World } from './world.js';

const FILTERS: Record<string, Filter | undefined> = {
  'no filter': undefined,
  state: { type: 'compare', field: { kind: 'state' }, operator: 'eq', value: 'active' },
  'start of id': { type: 'startsWith', field: { kind: 'id' }, prefix: 't9' },
};
const PAGES = 21;

const residentMebibytes = () =>
  Math.round(
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? NaN) / 1024,
  );

/** How `tasks` of a job run while `waiting` more of it are queued; each depth in a folder of its own. */
export async function depth(waiting: number, tasks: number): Promise<void> {
  const world = await World.open(new DirectAgents());
  try {
    await world.addPool(10);
    await world.addWaitingJob('warm', 5_000);
    await world.drain('warm', 5_000);
    global.gc?.();
    const before = process.memoryUsage().heapUsed;
    await world.addWaitingJob('job', waiting + tasks);
    const resident = residentMebibytes();
    global.gc?.();
    const bytes = (process.memoryUsage().heapUsed - before) / (waiting + tasks);
    const [seconds, time] = await processorTimeOf(() => world.drain('job', tasks));
    console.log(
      `${waiting} waiting: ${(tasks / seconds).toFixed(0)} completions/s, ${(time / tasks).toFixed(0)} µs of a processor each; ` +
        `${residentMebibytes()} MiB resident (${resident} after adding), ${bytes.toFixed(0)} bytes of heap a queued task`,
    );
    await world.pause('job');
    await pages(world);
    await world.stop();
    // A process of its own: this one has held the tasks, and keeps what it took for them.
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [...process.execArgv, process.argv[1] ?? '', 'restart', '--folder', world.folder],
      { maxBuffer: 2 ** 20 },
    );
    process.stdout.write(stdout);
  } finally {
    await world.close();
  }
}

/** The same of job queues, first with nothing behind the jobs that run. */
export async function depthOfPeers(waiting: number, tasks: number): Promise<void> {
  const peers = await openPeers();
  try {
    for (const behind of [0, waiting])
      for (const [name, run] of Object.entries(peers.contestants(tasks, behind))) {
        const { rate, addRate } = await run();
        console.log(
          `${name}, ${behind} waiting: ${rate.toFixed(0)} completions/s; added ${addRate.toFixed(0)} a second`,
        );
      }
  } finally {
    await peers.close();
  }
}

/** A start on what `depth` left. */
export async function restart(folder: string): Promise<void> {
  const [seconds, time] = await processorTimeOf(() => World.restart(folder, new DirectAgents()));
  const resident = residentMebibytes();
  global.gc?.();
  console.log(
    `  restarts in ${seconds.toFixed(2)} s with ${(time / 1e6).toFixed(2)} s of processor time; ` +
      `${resident} MiB resident, ${mebibytes(process.memoryUsage().heapUsed)} MiB of heap`,
  );
}

async function pages(world: World): Promise<void> {
  const scope = jobKey(ACCOUNT, 'job');
  for (const [name, filter] of Object.entries(FILTERS)) {
    const times: number[] = [];
    for (let page = 0; page < PAGES; page += 1) {
      const began = performance.now();
      await world.store.list('task', { scope, limit: 1000, ...(filter && { filter }) });
      times.push(performance.now() - began);
    }
    console.log(
      `  page of 1,000, ${name}: ${median(times).toFixed(1)} ms (at most ${Math.max(...times).toFixed(1)})`,
    );
  }
  const began = performance.now();
  await world.completed('job');
  console.log(`  task counts: ${(performance.now() - began).toFixed(2)} ms`);
}
