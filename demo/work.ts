import { nodesOf, tasksOf, textOf, until, type Client, type CloudTask } from './batch.js';
import { mustHold } from './log.js';
import { onChange, Progress, printTable, say, tick } from './screen.js';

/** Names and secrets that the program exports. */
export interface Deployment {
  accountName: string;
  accountKey: string;
  poolId: string;
  jobId: string;
  jobScheduleId: string;
  outputContainer: string;
  /** What the decrypting task must print. */
  secret: string;
  decryptTaskId: string;
  files: number;
}

const seconds = (task: CloudTask) => {
  const { startTime, endTime } = task.executionInfo ?? {};
  return startTime && endTime ? (Number(endTime) - Number(startTime)) / 1000 : NaN;
};

/** Watches the job to its end; every task must have succeeded. */
export async function watchJob(
  client: Client,
  { jobId, poolId }: Deployment,
  limitSeconds: number,
): Promise<void> {
  const progress = new Progress(1);
  let last = '';
  try {
    await until(
      `job ${jobId}`,
      limitSeconds,
      async () => {
        const { taskCounts } = await client.job.getTaskCounts(jobId);
        const states = (await nodesOf(client, poolId)).map((node) => node.state ?? '?').sort();
        const total = taskCounts.active + taskCounts.running + taskCounts.completed;
        last = `${taskCounts.running} running, ${taskCounts.failed} failed · nodes ${states.join(', ') || 'none yet'}`;
        progress.update(taskCounts.completed, total, last);
        return total > 0 && taskCounts.completed === total ? true : undefined;
      },
      () => last,
    );
  } finally {
    progress.end();
  }
  const tasks = await tasksOf(client, jobId);
  printTable(
    ['task', 'node', 'exit code', 'seconds'],
    tasks.map((task) => [
      task.id ?? '',
      (task.nodeInfo?.nodeId ?? '').slice(0, 14),
      String(task.executionInfo?.exitCode ?? task.executionInfo?.failureInfo?.code ?? ''),
      seconds(task).toFixed(2),
    ]),
  );
  const failed = tasks.filter((task) => task.executionInfo?.result !== 'success');
  mustHold(
    failed.length === 0,
    `tasks that did not succeed: ${failed.map((task) => `${task.id} (${task.executionInfo?.failureInfo?.message ?? 'no reason given'})`).join(', ')}`,
  );
  tick(`${tasks.length} tasks succeeded`);
}

/** Shows the ten most frequent words of report.json, which the last task uploaded. */
export async function showReport(
  storage: { url: string; adminToken: string },
  { accountName, outputContainer, files }: Deployment,
): Promise<void> {
  const response = await fetch(
    `${storage.url}/storage/${accountName}/${outputContainer}/report.json`,
    {
      headers: { authorization: `Bearer ${storage.adminToken}` },
    },
  );
  mustHold(response.ok, `report.json was not uploaded: the storage answers ${response.status}`);
  const report = (await response.json()) as { files: number; words: Record<string, number> };
  mustHold(
    report.files === files,
    `report.json counts ${report.files} files, ${files} were uploaded`,
  );
  const words = Object.entries(report.words)
    .sort(([, a], [, b]) => b - a)
    .slice(0, 10);
  mustHold(words.length === 10, 'report.json holds fewer than ten words');
  printTable(
    ['word', 'count'],
    words.map(([word, count]) => [word, String(count)]),
  );
  tick(`report.json merges the counts of ${report.files} files`);
}

/** The task with the installed certificate must have printed the secret. */
export async function checkSecret(
  client: Client,
  { jobId, decryptTaskId, secret }: Deployment,
): Promise<void> {
  const text = (await textOf(client, jobId, decryptTaskId, 'stdout.txt')).trim();
  mustHold(
    text === secret,
    `task ${decryptTaskId} printed something else than the secret that was encrypted`,
  );
  tick('a secret encrypted for the certificate was decrypted on the node');
}

/** Waits until the schedule has made two jobs that are complete. */
export async function watchSchedule(client: Client, { jobScheduleId }: Deployment): Promise<void> {
  let last = '';
  const changed = onChange(say);
  const jobs = await until(
    `two complete jobs of schedule ${jobScheduleId}`,
    90,
    async () => {
      const made = await client.job.listFromJobSchedule(jobScheduleId);
      last = made.map((job) => `${job.id} ${job.state}`).join(', ');
      changed(`the schedule makes a job every 15 s; so far ${last || 'none'}`);
      const complete = made.filter((job) => job.state === 'completed');
      return complete.length >= 2 ? complete : undefined;
    },
    () => last,
  );
  printTable(
    ['job of the schedule', 'state', 'reason'],
    jobs.map((job) => [job.id ?? '', job.state ?? '', job.executionInfo?.terminateReason ?? '']),
  );
  tick(`the schedule made ${jobs.length} jobs, each complete`);
}
