import type { BatchServiceClient } from '@azure/batch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENTITIES, entityOf } from '../../protocol/batch/entities.js';
import { batchClient } from '../support/client.js';
import { PROCESS_POOL, sh, waits } from '../support/process-pool.js';
import { signedRequest } from '../support/signed-request.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';

let controller: StartedController;
let client: BatchServiceClient;
let nodeId: string;
beforeAll(async () => {
  controller = await startController();
  client = batchClient(controller);
  await client.pool.add({
    id: 'p',
    ...PROCESS_POOL,
    targetDedicatedNodes: 2,
    enableInterNodeCommunication: true,
    startTask: { commandLine: '/bin/true', waitForSuccess: true },
  });
  await client.job.add({
    id: 'j',
    poolInfo: { poolId: 'p' },
    jobPreparationTask: { commandLine: '/bin/true' },
    jobReleaseTask: { commandLine: '/bin/true' },
  });
  await client.task.add('j', { id: 'one', commandLine: sh('echo one; exit 3') });
  await client.task.add('j', {
    id: 'wide',
    commandLine: '/bin/true',
    multiInstanceSettings: { numberOfInstances: 2, coordinationCommandLine: '/bin/true' },
  });
  for (const task of ['one', 'wide']) await waits(client).task('j', task);
  nodeId = (await client.task.get('j', 'one')).nodeInfo?.nodeId ?? '';
});
afterAll(() => controller.stop());

/** By the operation whose answer it is. */
const READS: Record<string, string> = {
  Account_ListSupportedImages: '/supportedimages',
  Account_ListPoolNodeCounts: '/nodecounts',
  Pool_GetAllLifetimeStatistics: '/lifetimepoolstats',
  Job_GetTaskCounts: '/jobs/j/taskcounts',
  Job_GetAllLifetimeStatistics: '/lifetimejobstats',
  Job_ListPreparationAndReleaseTaskStatus: '/jobs/j/jobpreparationandreleasetaskstatus',
  Task_Get: '/jobs/j/tasks/one',
  Task_ListSubtasks: '/jobs/j/tasks/wide/subtasksinfo',
  ComputeNode_List: '/pools/p/nodes',
  ComputeNode_Get: '/pools/p/nodes/{node}',
  ComputeNode_GetRemoteLoginSettings: '/pools/p/nodes/{node}/remoteloginsettings',
  File_ListFromTask: '/jobs/j/tasks/one/files?recursive=true',
  File_ListFromComputeNode: '/pools/p/nodes/{node}/files?recursive=true',
};

describe('the schema of an answer', () => {
  it.each(Object.entries(READS))('of %s knows every property in it', async (id, path) => {
    const { status, text } = await signedRequest(controller, 'GET', path.replace('{node}', nodeId));
    expect(status).toBe(200);
    const { 'odata.metadata': _, ...answer } = JSON.parse(text) as Record<string, unknown>;
    const list = Array.isArray(answer['value']) ? (answer['value'] as unknown[]) : [answer];
    expect(list).not.toEqual([]);
    const name = entityOf(id);
    if (name === undefined) throw new Error(`${id} answers with no entity`);
    // What a schema doesn't know, it leaves out.
    for (const entity of list) expect(ENTITIES[name].parse(entity)).toEqual(entity);
  });

  it('is what the OpenAPI document says', async () => {
    const document = (await (await fetch(`${controller.url}/openapi.json`)).json()) as {
      paths: Record<string, Record<string, { operationId: string; responses: object }>>;
    };
    const answers = Object.values(document.paths)
      .flatMap((path) => Object.values(path))
      .filter(({ operationId }) => operationId in READS);
    expect(answers).toHaveLength(Object.keys(READS).length);
    for (const { operationId, responses } of answers) {
      const name = String(entityOf(operationId));
      const schema = operationId.includes('_List') ? `${name}List` : name;
      expect(JSON.stringify(responses), operationId).toContain(`#/components/schemas/${schema}"`);
    }
  });
});
