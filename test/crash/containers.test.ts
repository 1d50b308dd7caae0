import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BatchServiceClient } from '@azure/batch';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { batchClient } from '../support/client.js';
import { PROCESS_POOL, sh, waits } from '../support/process-pool.js';
import { suite } from '../support/requirements.js';
import { startController, type StartedController } from '../support/start-controller.js';
import { dockerRequirement, StartedDockerd } from '../support/started-dockerd.js';
import { tinyRoot } from '../support/tiny-root.js';
import { waitFor } from '../support/wait-for.js';

const docker = await dockerRequirement();
const LEASE_MS = 3_000;
const IMAGE = 'tiny:1';

suite('containers whose agent dies', [docker], () => {
  let dockerd: StartedDockerd;
  let controller: StartedController;
  let client: BatchServiceClient;

  beforeAll(async () => {
    dockerd = await StartedDockerd.start();
    dockerd.call('import', '--change', 'ENV PATH=/bin', tinyRoot(dockerd.folder.path), IMAGE);
    controller = await startController({
      environment: dockerd.environment,
      configuration: {
        leases: {
          heartbeatInterval: 'PT0.2S',
          lease: `PT${String(LEASE_MS / 1000)}S`,
          grace: 'PT1S',
        },
      },
    });
    client = batchClient(controller);
    await client.pool.add({
      id: 'p',
      ...PROCESS_POOL,
      virtualMachineConfiguration: {
        ...PROCESS_POOL.virtualMachineConfiguration,
        containerConfiguration: { containerImageNames: [IMAGE] },
      },
      targetDedicatedNodes: 1,
      taskSlotsPerNode: 2,
    });
    await client.job.add({ id: 'j', poolInfo: { poolId: 'p' } });
    await waits(client).nodes('p', 'idle');
  });
  afterAll(async () => {
    await controller.stop();
    await dockerd.stop();
  });

  const add = (id: string, script: string) =>
    client.task.add('j', {
      id,
      commandLine: sh(script),
      containerSettings: { imageName: IMAGE, containerRunOptions: '--network none' },
    });
  const containers = () =>
    dockerd
      .call('ps', '--all', '--quiet')
      .split('\n')
      .filter((id) => id !== '');
  /** Where the only node's files are. */
  const root = () => {
    const pool = join(controller.dataDirectory, 'nodes', 'testaccount', 'p');
    return join(pool, readdirSync(pool).find((name) => !name.endsWith('.agent')) ?? '');
  };
  const read = (path: string) => {
    try {
      return readFileSync(join(root(), path), 'utf8');
    } catch {
      return '';
    }
  };
  const processes = (program: string) =>
    readdirSync('/proc').filter((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return (
          line.split('\0')[0]?.endsWith(program) === true &&
          line.includes('agent.mjs') &&
          line.includes(controller.dataDirectory)
        );
      } catch {
        return false;
      }
    });
  const inContainer = (taskId: string) =>
    readdirSync('/proc').filter((pid) => {
      try {
        const environment = readFileSync(`/proc/${pid}/environ`, 'latin1');
        return environment.includes(`AZ_BATCH_TASK_ID=${taskId}\0`);
      } catch {
        return false;
      }
    });

  it('go on, and their exit code is told by the next agent', async () => {
    await add(
      'outlives',
      'echo up; until test -e $AZ_BATCH_NODE_SHARED_DIR/go; do sleep 0.1; done; exit 9',
    );
    await waitFor('its output', () => read('workitems/j/job-1/outlives/stdout.txt') === 'up\n');
    await waitFor('its record', () => read('volatile/agent/journal').includes('"container"'));
    const [agent = ''] = processes('node');
    const before = inContainer('outlives');
    process.kill(Number(agent), 'SIGKILL');
    await waitFor('the next agent', () => processes('node').some((pid) => pid !== agent));
    await waitFor(
      'its news',
      async () => (await client.task.get('j', 'outlives')).state === 'running',
    );
    await client.task.add('j', { id: 'go', commandLine: sh('touch $AZ_BATCH_NODE_SHARED_DIR/go') });
    expect(before.some((pid) => inContainer('outlives').includes(pid))).toBe(true);
    const { executionInfo } = await waitFor('its end', async () => {
      const task = await client.task.get('j', 'outlives');
      return task.state === 'completed' ? task : undefined;
    });
    expect(executionInfo).toMatchObject({ exitCode: 9, retryCount: 0, requeueCount: 0 });
    expect(executionInfo?.containerInfo?.containerId).toMatch(/^[0-9a-f]{64}$/);
    await waitFor('no container', () => containers().length === 0);
  });

  it('end with the lease when nobody is left to put it off', async () => {
    await add('lapses', 'trap "" TERM; echo up; while true; do sleep 1; done');
    await waitFor('its output', () => read('workitems/j/job-1/lapses/stdout.txt') === 'up\n');
    const [agent = ''] = processes('node');
    process.kill(Number(agent), 'SIGSTOP');
    const before = inContainer('lapses');
    expect(before.length).toBeGreaterThan(0);
    await waitFor('the end of the container', () =>
      before.every((pid) => !inContainer('lapses').includes(pid)),
    );
    await client.task.terminate('j', 'lapses');
  });

  it('leave nothing when their pool is deleted', async () => {
    await add('deleted', 'echo up; sleep 120');
    await waitFor('its output', () => read('workitems/j/job-1/deleted/stdout.txt') === 'up\n');
    expect(containers()).toHaveLength(1);
    await client.pool.deleteMethod('p');
    await waitFor(
      'no container',
      () => containers().length === 0 && inContainer('deleted').length === 0,
    );
  });
});
