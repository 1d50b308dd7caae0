import { startController, type StartedController } from '../test/support/start-controller.js';
import { descendants, nodeProcesses, usage } from './process-tree.js';
import type { Measured } from './report.js';
import { SharedKeyClient } from './shared-key-client.js';

const POOL = {
  id: 'bench',
  vmSize: 'standard_d1_v2',
  targetDedicatedNodes: 2,
  virtualMachineConfiguration: {
    imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local', version: 'latest' },
    nodeAgentSKUId: 'batch.node.process',
  },
};
const TASKS_PER_CALL = 100;
const CALLS_AT_ONCE = 4;
const POLL_MS = 50;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export interface Bench {
  readonly client: SharedKeyClient;
  readonly controller: StartedController;
  /** Adds `count` tasks of this command line (by default /bin/true) and resolves when every result can be read back. */
  run(count: number, commandLine?: string): Promise<Measured>;
  close(): Promise<void>;
}

/** A controller on its embedded defaults (SQLite, synchronous=FULL) with one pool of two process nodes of one slot. */
export async function openBench(): Promise<Bench> {
  const controller = await startController();
  const client = new SharedKeyClient(controller.url, controller.account, controller.key);
  await client.send('POST', '/pools', [201], POOL);
  for (;;) {
    const nodes = (await client.send('GET', '/pools/bench/nodes', [200])) as {
      value: { state: string }[];
    };
    if (nodes.value.filter(({ state }) => state === 'idle').length === POOL.targetDedicatedNodes)
      break;
    await pause(POLL_MS);
  }
  let round = 0;
  return {
    client,
    controller,
    run: (count, commandLine = '/bin/true') =>
      measure(client, controller, `noop-${++round}`, { count, commandLine }),
    async close() {
      client.close();
      await controller.stop();
    },
  };
}

async function measure(
  client: SharedKeyClient,
  { pid, dataDirectory }: { pid: number; dataDirectory: string },
  jobId: string,
  { count, commandLine }: { count: number; commandLine: string },
): Promise<Measured> {
  await client.send('POST', '/jobs', [201], { id: jobId, poolInfo: { poolId: 'bench' } });
  const processes = [...new Set([...descendants(pid), ...nodeProcesses(dataDirectory)])];
  const before = usage(processes);
  const started = process.hrtime.bigint();
  const calls = Array.from({ length: Math.ceil(count / TASKS_PER_CALL) }, (_, call) => call);
  await Promise.all(
    Array.from({ length: CALLS_AT_ONCE }, async () => {
      for (let call = calls.shift(); call !== undefined; call = calls.shift())
        await addTasks(client, jobId, commandLine, call, count);
    }),
  );
  for (;;) {
    const { taskCounts } = (await client.send('GET', `/jobs/${jobId}/taskcounts`, [200])) as {
      taskCounts: { succeeded: number; failed: number };
    };
    if (taskCounts.failed > 0) throw new Error(`${taskCounts.failed} tasks of ${jobId} failed`);
    if (taskCounts.succeeded === count) break;
    await pause(POLL_MS);
  }
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  const after = usage(processes);
  return {
    name: 'Batchyard',
    seconds,
    tasks: count,
    cpuSeconds: after.cpuSeconds - before.cpuSeconds,
    peakMemoryMiB: after.peakMemoryMiB,
  };
}

async function addTasks(
  client: SharedKeyClient,
  jobId: string,
  commandLine: string,
  call: number,
  count: number,
): Promise<void> {
  const first = call * TASKS_PER_CALL;
  const value = Array.from({ length: Math.min(TASKS_PER_CALL, count - first) }, (_, index) => ({
    id: `t${first + index}`,
    commandLine,
  }));
  const reply = (await client.send('POST', `/jobs/${jobId}/addtaskcollection`, [200], {
    value,
  })) as { value: { status: string; taskId: string }[] };
  const refused = reply.value.find(({ status }) => status.toLowerCase() !== 'success');
  if (refused) throw new Error(`task ${refused.taskId} of ${jobId} was not added`);
}
