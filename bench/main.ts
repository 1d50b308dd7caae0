import { Command } from 'commander';
import { benchAddCollection } from './add-collection.js';
import { benchBulkSubmission } from './bulk-submission.js';
import { openBench } from './noop.js';
import { benchLatency } from './latency.js';
import { benchOverhead } from './overhead.js';
import { gnuParallel, missingPeers, xargs } from './peers.js';
import { benchRecovery } from './recovery.js';
import { summarise, type Measured } from './report.js';
import { benchTaskFactory } from './task-factory.js';

const options = new Command('npm run bench --')
  .description(
    'P1: durable no-op tasks end to end on two process nodes, beside xargs and GNU parallel in the same run.',
  )
  .option(
    '--only <bench>',
    'noop; add-collection: adding alone, beside SQLite itself; task-factory: as many in one request; ' +
      'bulk-submission: 100 a request by 1 and by 15 connections; ' +
      'latency: one task at a time; overhead: sleeps against the ideal; recovery: kill -9 at full rate',
    'noop',
  )
  .option('--tasks <count>', 'tasks a run', '5000')
  .option('--rounds <count>', 'rounds; each runs every contestant, in turning order', '3')
  .parse()
  .opts<{ only: string; tasks: string; rounds: string }>();

const positive = (name: string, text: string) => {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  console.error(`error: option '--${name} <count>': ${text} is not a whole number above 0`);
  process.exit(2);
};
const tasks = positive('tasks', options.tasks);
const rounds = positive('rounds', options.rounds);
if (options.only === 'add-collection') {
  await benchAddCollection(tasks, rounds);
  process.exit();
}
if (options.only === 'bulk-submission') {
  await benchBulkSubmission(tasks);
  process.exit();
}
if (options.only === 'task-factory') {
  await benchTaskFactory(tasks, rounds);
  process.exit();
}
if (options.only === 'latency') {
  await benchLatency(tasks);
  process.exit();
}
if (options.only === 'recovery') {
  await benchRecovery(tasks, rounds);
  process.exit();
}
if (options.only !== 'noop' && options.only !== 'overhead') {
  console.error(
    `error: option '--only <bench>': ${options.only} is none of noop, add-collection, bulk-submission, task-factory, latency, overhead, recovery`,
  );
  process.exit(2);
}
const missing = missingPeers();
if (missing.length > 0) {
  console.error(`bench: peers are missing: ${missing.join('; ')}`);
  process.exit(2);
}

if (options.only === 'overhead') {
  await benchOverhead(tasks, rounds);
  process.exit();
}

const bench = await openBench();
try {
  await bench.run(Math.min(tasks, 500)); // warms the compiler and the page cache; not counted
  const contestants = [() => bench.run(tasks), () => xargs(tasks), () => gnuParallel(tasks)];
  const runs: Measured[][] = [];
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? contestants : contestants.toReversed();
    const run: Measured[] = [];
    for (const contestant of order) {
      const measured = await contestant();
      run.push(measured);
      console.error(
        `round ${round + 1}: ${measured.name} ${Math.round(measured.tasks / measured.seconds)} tasks/s`,
      );
    }
    runs.push(run.toSorted((a, b) => a.name.localeCompare(b.name)));
  }
  console.log(
    `${tasks} × /bin/true, ${rounds} rounds; Batchyard: every add and every completion durable (SQLite, synchronous=FULL)\n`,
  );
  console.log(summarise(runs));
} finally {
  await bench.close();
}
