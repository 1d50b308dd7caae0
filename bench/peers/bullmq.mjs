// BullMQ with an empty handler. Arguments: port of Redis, jobs.
import { Queue, Worker } from 'bullmq';

const [port, count] = process.argv.slice(2);
const jobs = Number(count);
const connection = { host: '127.0.0.1', port: Number(port), maxRetriesPerRequest: null };
const name = `bench-${process.pid}`;
const queue = new Queue(name, { connection });
for (let from = 0; from < jobs; from += 1000)
  await queue.addBulk(
    Array.from({ length: Math.min(1000, jobs - from) }, () => ({ name: 'nothing', data: {} })),
  );
const before = process.cpuUsage();
const began = performance.now();
const workers = [0, 1].map(
  () => new Worker(name, () => Promise.resolve(), { connection, concurrency: 100 }),
);
while ((await queue.getCompletedCount()) < jobs)
  await new Promise((resolve) => setTimeout(resolve, 10));
const seconds = (performance.now() - began) / 1000;
const { user, system } = process.cpuUsage(before);
console.log(JSON.stringify({ rate: jobs / seconds, processorTime: (user + system) / jobs }));
for (const worker of workers) await worker.close();
await queue.obliterate({ force: true });
await queue.close();
process.exit();
