import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { openBench, type Bench } from './noop.js';

const POLL_MS = 100;
const spread = (values: number[]) => {
  const sorted = values.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? NaN;
  return `${median.toFixed(0)} ms (${(sorted[0] ?? NaN).toFixed(0)}–${(sorted.at(-1) ?? NaN).toFixed(0)})`;
};

/** P8: the controller is killed at full rate, so many times, and started again at once. */
export async function benchRecovery(tasks: number, kills: number): Promise<void> {
  const bench = await openBench();
  const folder = mkdtempSync(join(tmpdir(), 'batchyard-bench-'));
  const starts = join(folder, 'starts');
  try {
    await bench.client.send('POST', '/jobs', [201], { id: 'job', poolInfo: { poolId: 'bench' } });
    await bench.client.send('POST', '/jobs/job/addtaskfactory', [200, 201], {
      id: 'all',
      parametricSweep: { parameterSets: [{ start: 1, end: tasks }] },
      repeatTask: {
        commandLine: `/bin/sh -c 'echo $AZ_BATCH_TASK_ID $(date +%s%N) >> ${starts}'`,
      },
    });
    const moments: { killed: number; ready: number }[] = [];
    for (let kill = 0; kill < kills; kill += 1) {
      await pause(2_000);
      const killed = Date.now();
      await bench.controller.kill();
      await bench.controller.restart();
      moments.push({ killed, ready: Date.now() });
    }
    await completed(bench, tasks);
    report(readFileSync(starts, 'utf8'), tasks, moments);
  } finally {
    rmSync(folder, { recursive: true });
    await bench.close();
  }
}

async function completed({ client }: Bench, tasks: number): Promise<void> {
  for (;;) {
    const { taskCounts } = (await client.send('GET', '/jobs/job/taskcounts', [200])) as {
      taskCounts: { succeeded: number; failed: number };
    };
    if (taskCounts.failed > 0) throw new Error(`${taskCounts.failed} tasks failed`);
    if (taskCounts.succeeded === tasks) return;
    await pause(POLL_MS);
  }
}

function report(text: string, tasks: number, moments: { killed: number; ready: number }[]): void {
  const lines = text
    .trim()
    .split('\n')
    .map((line) => line.split(' '));
  const times = lines
    .map(([, time = '']) => Number(BigInt(time) / 1_000_000n))
    .toSorted((a, b) => a - b);
  const distinct = new Set(lines.map(([id]) => id)).size;
  // Nodes go on with what they hold: the gap is the longest time without a start from the kill on.
  const gaps = moments.map(({ killed }, at) => {
    const until = moments[at + 1]?.killed ?? Infinity;
    const after = times.filter((time) => time >= killed && time < until);
    return after.reduce(
      (most, time, index) => Math.max(most, time - (after[index - 1] ?? killed)),
      0,
    );
  });
  const last = times.at(-1) ?? 0;
  const counted = moments.filter(({ ready }) => ready < last).length;
  console.log(
    `${tasks} tasks, the controller killed ${moments.length} times (${counted} while tasks were left)\n` +
      `killed to ready: ${spread(moments.map(({ killed, ready }) => ready - killed))}\n` +
      `longest time without a task that starts: ${spread(gaps.slice(0, counted))}\n` +
      `tasks lost: ${tasks - distinct}; started more than once: ${lines.length - distinct}`,
  );
}
