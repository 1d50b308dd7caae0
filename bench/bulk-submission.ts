import { startController } from '../test/support/start-controller.js';
import { descendants, usage } from './process-tree.js';
import { SharedKeyClient } from './shared-key-client.js';

const TASKS_PER_CALL = 100;
/** Azure's own advice for many tasks is to use several connections at once. */
const CONNECTIONS = [1, 15];

/** Adds the tasks of a job, 100 a request, by so many connections; @returns seconds until all are durable. */
async function submit(client: SharedKeyClient, job: string, tasks: number, connections: number) {
  await client.send('POST', '/jobs', [201], { id: job, poolInfo: { poolId: 'nowhere' } });
  let next = 0;
  const began = performance.now();
  const connection = async () => {
    while (next < tasks) {
      const from = next;
      next += TASKS_PER_CALL;
      const length = Math.min(TASKS_PER_CALL, tasks - from);
      const value = Array.from({ length }, (_, at) => ({
        id: `t${String(from + at)}`,
        commandLine: '/bin/true',
      }));
      const answer = (await client.send('POST', `/jobs/${job}/addtaskcollection`, [200], {
        value,
      })) as { value: { status: string }[] };
      if (!answer.value.every(({ status }) => status === 'Success'))
        throw new Error(`a task of ${job} was not added`);
    }
  };
  await Promise.all(Array.from({ length: connections }, connection));
  return (performance.now() - began) / 1000;
}

/** P3 (a): each number of connections in a controller of its own, with an empty store. */
export async function benchBulkSubmission(tasks: number): Promise<void> {
  for (const connections of CONNECTIONS) {
    const controller = await startController();
    const client = new SharedKeyClient(controller.url, controller.account, controller.key);
    try {
      await submit(client, 'warm', 5_000, connections);
      const before = usage(descendants(controller.pid)).cpuSeconds;
      const seconds = await submit(client, 'bulk', tasks, connections);
      const { cpuSeconds, peakMemoryMiB } = usage(descendants(controller.pid));
      const counts = (await client.send('GET', '/jobs/bulk/taskcounts', [200])) as {
        taskCounts: { active: number };
      };
      console.log(
        `${String(counts.taskCounts.active)} tasks, ${String(TASKS_PER_CALL)} a call, ${String(connections)} at a time: ` +
          `${seconds.toFixed(1)} s, ${(tasks / seconds).toFixed(0)} a second; ` +
          `${((1e6 * (cpuSeconds - before)) / tasks).toFixed(0)} µs of the controller's processor time a task; ` +
          `${peakMemoryMiB.toFixed(0)} MiB resident at most`,
      );
    } finally {
      client.close();
      await controller.stop();
    }
  }
}
