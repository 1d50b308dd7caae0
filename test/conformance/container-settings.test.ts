import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BatchServiceClient } from '@azure/batch';
import { batchClient } from '../support/client.js';
import { PROCESS_POOL, refusal } from '../support/process-pool.js';
import { signedRequest } from '../support/signed-request.js';
import { startController, type StartedController } from '../support/start-controller.js';

let controller: StartedController;
let client: BatchServiceClient;
beforeAll(async () => {
  controller = await startController();
  client = batchClient(controller);
});
afterAll(() => controller.stop());

describe('pools for containers', () => {
  it.each(['dockerCompatible', 'criCompatible'])('may be %s', async (type) => {
    const { virtualMachineConfiguration } = PROCESS_POOL;
    const containerConfiguration = { type, containerImageNames: ['tiny:1'] };
    // The official clients of this version know the first type alone.
    const body = {
      ...PROCESS_POOL,
      id: type,
      virtualMachineConfiguration: { ...virtualMachineConfiguration, containerConfiguration },
    };
    const added = await signedRequest(controller, 'POST', '/pools', { body: JSON.stringify(body) });
    expect(added).toMatchObject({ status: 201 });
    const { text } = await signedRequest(controller, 'GET', `/pools/${type}`);
    expect(JSON.parse(text)).toMatchObject({
      virtualMachineConfiguration: { containerConfiguration },
    });
  });
});

describe('an empty command line', () => {
  const containerSettings = { imageName: 'tiny:1' };
  const job = { id: 'j', poolInfo: { poolId: 'none' } };

  it('leaves to the image of a container what runs, in tasks of every kind', async () => {
    await client.job.add({
      ...job,
      jobPreparationTask: { commandLine: '', containerSettings },
      jobReleaseTask: { commandLine: '', containerSettings },
    });
    await client.task.add('j', { id: 't', commandLine: '', containerSettings });
    expect(await client.task.get('j', 't')).toMatchObject({ commandLine: '', containerSettings });
  });

  it('is refused of what runs on the node itself, by its name', async () => {
    await client.job.add({ ...job, id: 'refuses' });
    await expect(client.task.add('refuses', { id: 't', commandLine: ' ' })).rejects.toMatchObject({
      ...refusal(400, 'InvalidPropertyValue'),
      body: {
        values: expect.arrayContaining([
          expect.objectContaining({ key: 'PropertyName', value: 'commandLine' }),
        ]) as unknown,
      },
    });
    await expect(
      client.job.add({ ...job, id: 'none', jobManagerTask: { id: 'm', commandLine: '' } }),
    ).rejects.toMatchObject(refusal(400, 'InvalidPropertyValue'));
  });
});
