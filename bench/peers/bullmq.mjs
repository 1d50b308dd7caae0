// BullMQ with an empty handler. Arguments: port of Redis, jobs to complete, jobs more that wait behind them.
import { Queue, Worker } from 'bullmq';

const [port, count, behind] = process.argv.slice(2);
const jobs = Number(count);
const total = jobs + Number(behind);
const connection = { host: '127.0.0.1', port: Number(port), maxRetriesPerRequest: null };
const name = `bench-${process.pid}`;
const queue = new Queue(name, { connection });
const beganToAdd = performance.now();
for (let from = 0; from < total; from += 1000)
  await queue.addBulk(
    Array.from({ length: Math.min(1000, total - from) }, () => ({ name: 'nothing', data: {} })),
  );
const addRate = (total / (performance.now() - beganToAdd)) * 1000;
const before = process.cpuUsage();
const began = performance.now();
const workers = [0, 1].map(
  () => new Worker(name, () => Promise.resolve(), { connection, concurrency: 100 }),
);
let completed = 0;
while ((completed = await queue.getCompletedCount()) < jobs)
  await new Promise((resolve) => setTimeout(resolve, 10));
const seconds = (performance.now() - began) / 1000;
const { user, system } = process.cpuUsage(before);
const processorTime = (user + system) / completed;
console.log(JSON.stringify({ rate: completed / seconds, processorTime, addRate }));
for (const worker of workers) await worker.close();
await queue.obliterate({ force: true, count: 10_000 });
await queue.close();
process.exit();
