import { nodesOf, tasksOf, until, type Client } from './batch.js';
import { mustHold } from './log.js';
import type { PulumiStack } from './pulumi.js';
import { onChange, say, tick } from './screen.js';
import type { Deployment } from './work.js';

const JOB_ID = 'scale-down';
const TASK_SECONDS = 8;

/**
 * Keeps both nodes busy, asks Pulumi for one node with `taskcompletion`, and watches: the task on the node
 * that goes must have ended by itself, well, before its node was gone.
 */
export async function scaleDown(
  client: Client,
  stack: PulumiStack,
  { poolId }: Deployment,
  limitSeconds: number,
): Promise<void> {
  const before = await nodesOf(client, poolId);
  mustHold(before.length === 2, `the pool has ${before.length} nodes before the scale-down, not 2`);
  await client.job.add({ id: JOB_ID, poolInfo: { poolId } });
  await client.task.addCollection(
    JOB_ID,
    before.map((node, index) => ({
      id: `busy-${index + 1}`,
      commandLine: `/bin/sleep ${TASK_SECONDS}`,
      affinityInfo: { affinityId: node.affinityId ?? '' },
    })),
  );
  await until('a running task on each node', limitSeconds, async () =>
    (await tasksOf(client, JOB_ID)).every((task) => task.state === 'running') ? true : undefined,
  );
  say(
    `both nodes run a task of ${TASK_SECONDS} s; now the program asks for one node, option taskcompletion`,
  );

  await stack.set('nodes', '1');
  const resized = stack.up();
  const changed = onChange(say);
  let taskWhenNodeWent: { id: string; state: string } | undefined;
  try {
    await until('one node left', limitSeconds, async () => {
      const nodes = await nodesOf(client, poolId);
      const left = new Set(nodes.map((node) => node.id));
      changed(`nodes: ${nodes.map(({ state }) => state).join(', ')}`);
      if (left.size > 1) return undefined;
      // Asked after the node was seen to be gone: a task that outlived it would still be running.
      const task = (await tasksOf(client, JOB_ID)).find(
        (candidate) => !left.has(candidate.nodeInfo?.nodeId ?? ''),
      );
      taskWhenNodeWent = task && { id: task.id ?? '', state: task.state ?? '' };
      return true;
    });
  } finally {
    await resized;
  }
  mustHold(taskWhenNodeWent !== undefined, 'no task ran on the node that left');
  mustHold(
    taskWhenNodeWent.state === 'completed',
    `task ${taskWhenNodeWent.id} was ${taskWhenNodeWent.state} when its node was gone`,
  );
  const { executionInfo } = await client.task.get(JOB_ID, taskWhenNodeWent.id);
  mustHold(
    executionInfo?.result === 'success',
    `task ${taskWhenNodeWent.id} did not succeed on the node that left`,
  );
  mustHold(executionInfo.requeueCount === 0, `task ${taskWhenNodeWent.id} was requeued`);
  const ran = (Number(executionInfo.endTime) - Number(executionInfo.startTime)) / 1000;
  mustHold(
    ran >= TASK_SECONDS,
    `task ${taskWhenNodeWent.id} ended after ${ran} s of ${TASK_SECONDS}`,
  );
  tick(
    `task ${taskWhenNodeWent.id} finished (${ran.toFixed(1)} s, exit code 0) before its node went; one node is left`,
  );
  await client.job.deleteMethod(JOB_ID);
}
