// graphile/worker with an empty handler. Arguments: connection string, jobs to complete, jobs more that wait behind them,
// `single` or `batched` (local queue and completions in batches, as its guide to performance has it).
import { run, makeWorkerUtils } from 'graphile-worker';
import pg from 'pg';

const [connectionString, count, behind, mode] = process.argv.slice(2);
const jobs = Number(count);
const total = jobs + Number(behind);
const utils = await makeWorkerUtils({ connectionString });
await utils.migrate();
const database = new pg.Pool({ connectionString, max: 2 });
const left = async () =>
  Number((await database.query('SELECT count(*) FROM graphile_worker.jobs')).rows[0].count);
const beganToAdd = performance.now();
for (let from = 0; from < total; from += 1000)
  await utils.addJobs(
    Array.from({ length: Math.min(1000, total - from) }, () => ({ identifier: 'nothing' })),
  );
const addRate = (total / (performance.now() - beganToAdd)) * 1000;
await database.query('VACUUM ANALYZE');
let done = 0;
const logger = new (await import('graphile-worker')).Logger(() => () => undefined);
const before = process.cpuUsage();
const began = performance.now();
const batched = {
  localQueue: { size: 500 },
  completeJobBatchDelay: 0,
  failJobBatchDelay: 0,
};
const runner = await run({
  preset: {
    worker: {
      ...{ connectionString, concurrentJobs: 24, maxPoolSize: 10, pollInterval: 1000 },
      ...{ logger, gracefulShutdownAbortTimeout: 5000 },
      ...(mode === 'batched' ? batched : {}),
    },
  },
  taskList: { nothing: () => void (done += 1) },
});
let completed = 0;
while (done < jobs || (completed = total - (await left())) < jobs)
  await new Promise((resolve) => setTimeout(resolve, 10));
const seconds = (performance.now() - began) / 1000;
const { user, system } = process.cpuUsage(before);
const processorTime = (user + system) / completed;
console.log(JSON.stringify({ rate: completed / seconds, processorTime, addRate }));
await runner.stop();
await database.query('TRUNCATE graphile_worker._private_jobs');
await utils.release();
await database.end();
process.exit();
