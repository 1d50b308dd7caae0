import { startController } from '../test/support/start-controller.js';
import { SharedKeyClient } from './shared-key-client.js';

const POLL_MS = 100;

/** Prints how long one request takes that adds so many tasks, and how long until all of them are made. */
export async function benchTaskFactory(tasks: number, rounds: number): Promise<void> {
  const controller = await startController();
  const client = new SharedKeyClient(controller.url, controller.account, controller.key);
  try {
    for (let round = 1; round <= rounds; round += 1) {
      const jobId = `factory-${round}`;
      await client.send('POST', '/jobs', [201], { id: jobId, poolInfo: { poolId: 'nowhere' } });
      const factory = {
        id: 'all',
        parametricSweep: { parameterSets: [{ start: 1, end: tasks }] },
        repeatTask: { commandLine: '/bin/echo {0}' },
      };
      const began = performance.now();
      const send = () =>
        client.send('POST', `/jobs/${jobId}/addtaskfactory`, [200, 201], factory) as Promise<{
          madeCount: number;
        }>;
      await send();
      const accepted = performance.now() - began;
      // The same request again tells how far it is.
      while ((await send()).madeCount < tasks)
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      const made = (performance.now() - began) / 1000;
      console.log(
        `${tasks} tasks of one factory: accepted, durable and counted in ${accepted.toFixed(0)} ms, all made in ${made.toFixed(1)} s (${(tasks / made).toFixed(0)} a second)`,
      );
    }
  } finally {
    client.close();
    await controller.stop();
  }
}
