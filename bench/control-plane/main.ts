/**
 * The control plane alone, with simulated agents that say "done" at once: the real engine and its store (SQLite,
 * synchronous=FULL). P2, P6 and P7 of docs/benchmarks.md, and beside P2 two job queues where they are installed.
 *
 *   node --import tsx bench/control-plane/main.ts throughput [--tasks 100000] [--rounds 3] [--peers]
 *   node --expose-gc --import tsx bench/control-plane/main.ts depth [--tasks 50000] [--waiting 1000000] [--peers]
 *   node --import tsx bench/control-plane/main.ts nodes [--agents 10000] [--tasks 100000] [--waiting 0] [--link protocol]
 */
import { Command } from 'commander';
import { depth, depthOfPeers, restart } from './depth.js';
import { spread } from './figures.js';
import { heartbeats } from './heartbeats.js';
import { openPeers } from './peers.js';
import { drained, type Run } from './throughput.js';

const command = new Command('control-plane')
  .argument('[bench]', 'throughput, depth or nodes', 'throughput')
  .option('--tasks <count>', 'tasks of a run', '100000')
  .option('--rounds <count>', 'rounds, each with every contestant in turning order', '3')
  .option('--agents <count>', 'agents of `nodes`', '10000')
  .option('--waiting <count>', 'tasks that wait beside those: 1000000 in `depth`, none in `nodes`')
  .option('--link <link>', 'of `nodes`: calls or protocol; both if left out')
  .option('--folder <folder>', 'of `restart`, which `depth` runs', '')
  .option('--peers', 'also graphile/worker and BullMQ', false)
  .parse();
const options = command.opts<{
  tasks: string;
  rounds: string;
  agents: string;
  waiting?: string;
  link?: string;
  folder: string;
  peers: boolean;
}>();
const tasks = Number(options.tasks);
const bench = command.args[0] ?? 'throughput';

async function throughput(): Promise<void> {
  const peers = options.peers ? await openPeers() : undefined;
  const contestants: Record<string, () => Promise<Run>> = {};
  for (const agents of [1, 10, 100])
    contestants[`Batchyard, ${agents} agents by calls`] = () => drained('calls', agents, tasks);
  for (const agents of [10, 100])
    contestants[`Batchyard, ${agents} agents by the wire protocol`] = () =>
      drained('protocol', agents, tasks);
  Object.assign(contestants, peers?.contestants(tasks));
  const runs = new Map<string, Run[]>();
  try {
    for (let round = 0; round < Number(options.rounds); round += 1) {
      const names = Object.keys(contestants);
      for (const name of round % 2 === 0 ? names : names.toReversed()) {
        const run = await contestants[name]?.();
        if (run === undefined) continue;
        runs.set(name, [...(runs.get(name) ?? []), run]);
        console.error(`round ${round + 1}: ${name}: ${run.rate.toFixed(0)} tasks/s`);
      }
    }
  } finally {
    await peers?.close();
  }
  console.log(
    `${tasks} tasks that do nothing; every completion durable\n\n| contestant | completions/s: median (min–max) | µs of a processor a task |\n|---|---|---|`,
  );
  for (const name of Object.keys(contestants)) {
    const own = runs.get(name) ?? [];
    console.log(
      `| ${name} | ${spread(own.map(({ rate }) => rate))} | ${spread(own.map((run) => run.processorTime))} |`,
    );
  }
}

if (bench === 'throughput') await throughput();
else if (bench === 'depth') {
  const waiting = Number(options.waiting ?? 1_000_000);
  await depth(waiting, tasks);
  if (options.peers) await depthOfPeers(waiting, tasks);
} else if (bench === 'restart') {
  await restart(options.folder);
  process.exit();
} else if (bench === 'nodes')
  for (const link of ['calls', 'protocol'] as const) {
    if ((options.link ?? link) === link)
      await heartbeats(link, {
        agents: Number(options.agents),
        tasks,
        waiting: Number(options.waiting ?? 0),
      });
  }
else {
  console.error(`error: ${bench} is none of throughput, depth, nodes`);
  process.exitCode = 2;
}
