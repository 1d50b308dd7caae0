import { readFileSync } from 'node:fs';
import { BatchManagementClient } from '@azure/arm-batch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { batchClient } from '../support/client.js';
import { signedRequest } from '../support/signed-request.js';
import { startController, type StartedController } from '../support/start-controller.js';
import { waitFor } from '../support/wait-for.js';

const POOL = {
  vmSize: 'standard_d1_v2',
  virtualMachineConfiguration: {
    imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local', version: 'latest' },
    nodeAgentSKUId: 'batch.node.process',
  },
};
const ECHO = '$TargetDedicatedNodes=0;$TargetLowPriorityNodes=0;$NodeDeallocationOption=requeue';

let controller: StartedController;
beforeAll(async () => {
  controller = await startController({
    tls: true,
    configuration: { autoScaleMinimumInterval: 'PT5S' },
  });
});
afterAll(() => controller.stop());

const client = () => batchClient(controller);
const steady = (id: string) =>
  waitFor(`pool ${id} to be steady`, async () => {
    const pool = await client().pool.get(id);
    return pool.allocationState === 'steady' ? pool : undefined;
  });
const autoPool = (id: string, autoScaleFormula: string, autoScaleEvaluationInterval = 'PT15M') =>
  client().pool.add({
    id,
    ...POOL,
    enableAutoScale: true,
    autoScaleFormula,
    autoScaleEvaluationInterval,
  });

describe('Pool_Add with automatic scaling', () => {
  it('evaluates the formula at once and shows formula, interval and run', async () => {
    await autoPool('added', '$TargetDedicatedNodes=0;', 'PT90M');
    const pool = await steady('added');
    expect(pool).toMatchObject({
      enableAutoScale: true,
      autoScaleFormula: '$TargetDedicatedNodes=0;',
      autoScaleEvaluationInterval: 'PT1H30M',
      autoScaleRun: { results: ECHO },
      targetDedicatedNodes: 0,
    });
    expect(Date.parse(String(pool.autoScaleRun?.timestamp))).toBeGreaterThan(0);
    expect(pool.autoScaleRun?.error).toBeUndefined();
    const list = await client().pool.list({
      poolListOptions: { filter: 'enableAutoScale eq true' },
    });
    expect(list.map(({ id }) => id)).toContain('added');
  });

  it.each([
    [
      'a formula that is none',
      { autoScaleFormula: '$TargetDedicatedNodes = (' },
      'AutoScalingFormulaSyntaxError',
    ],
    [
      'a formula that is too long',
      { autoScaleFormula: ' '.repeat(8193) },
      'AutoScalingFormulaTooLong',
    ],
    ['no formula', {}, 'MissingRequiredProperty'],
    [
      'an interval below the minimum',
      { autoScaleFormula: 'x=1', autoScaleEvaluationInterval: 'PT4S' },
      'InvalidPropertyValue',
    ],
    [
      'an interval above a week',
      { autoScaleFormula: 'x=1', autoScaleEvaluationInterval: 'P8D' },
      'InvalidPropertyValue',
    ],
    [
      'targets beside the formula',
      { autoScaleFormula: 'x=1', targetDedicatedNodes: 1 },
      'InvalidPropertyValue',
    ],
  ])('refuses %s', async (_, properties, code) => {
    const add = client().pool.add({ id: 'refused', ...POOL, enableAutoScale: true, ...properties });
    await expect(add).rejects.toMatchObject({ statusCode: 400, code });
    await expect(client().pool.get('refused')).rejects.toMatchObject({ code: 'PoolNotFound' });
  });
});

describe('Pool_EnableAutoScale and Pool_DisableAutoScale', () => {
  it('turn a pool over to a formula and back, with exact answers', async () => {
    await client().pool.add({ id: 'basic', ...POOL, targetDedicatedNodes: 0 });
    await steady('basic');
    const enabled = await client().pool.enableAutoScale('basic', {
      autoScaleFormula: '$TargetDedicatedNodes=0',
      autoScaleEvaluationInterval: 'PT6M',
    });
    expect(enabled._response.status).toBe(200);
    expect(enabled.eTag).toBe((await client().pool.get('basic')).eTag);
    await expect(
      client().pool.enableAutoScale('basic', { autoScaleFormula: '$TargetDedicatedNodes=1' }),
    ).rejects.toMatchObject({ statusCode: 503, code: 'TooManyEnableAutoScaleRequests' });
    await expect(client().pool.resize('basic', { targetDedicatedNodes: 1 })).rejects.toMatchObject({
      statusCode: 409,
    });
    const disabled = await client().pool.disableAutoScale('basic');
    expect(disabled._response.status).toBe(200);
    const pool = await client().pool.get('basic');
    expect(pool).toMatchObject({ enableAutoScale: false, targetDedicatedNodes: 0 });
    for (const name of ['autoScaleFormula', 'autoScaleEvaluationInterval', 'autoScaleRun'] as const)
      expect(pool[name]).toBeUndefined();
    expect((await client().pool.disableAutoScale('basic'))._response.status).toBe(200);
    await client().pool.resize('basic', { targetDedicatedNodes: 0 });
  });

  it('refuse what cannot be', async () => {
    await client().pool.add({ id: 'strict', ...POOL, targetDedicatedNodes: 0 });
    await steady('strict');
    const enable = (body: object) => client().pool.enableAutoScale('strict', body);
    await expect(enable({})).rejects.toMatchObject({
      statusCode: 400,
      code: 'InvalidAutoScalingSettings',
    });
    await expect(enable({ autoScaleFormula: 'x = = 1' })).rejects.toMatchObject({
      statusCode: 400,
      code: 'AutoScalingFormulaSyntaxError',
      body: {
        values: [
          { value: 'autoScaleFormula' },
          { value: expect.stringMatching(/^Line 1, Col 5: /) as string },
        ],
      },
    });
    await expect(
      enable({ autoScaleFormula: 'x = 1', autoScaleEvaluationInterval: 'PT1S' }),
    ).rejects.toMatchObject({ statusCode: 400, code: 'InvalidPropertyValue' });
    await expect(
      client().pool.enableAutoScale('nowhere', { autoScaleFormula: 'x=1' }),
    ).rejects.toMatchObject({
      statusCode: 404,
      code: 'PoolNotFound',
    });
    await expect(
      client().pool.enableAutoScale(
        'strict',
        { autoScaleFormula: 'x=1' },
        { poolEnableAutoScaleOptions: { ifMatch: '0x1' } },
      ),
    ).rejects.toMatchObject({ statusCode: 412 });
    expect((await client().pool.get('strict')).enableAutoScale).toBe(false);
  });
});

describe('Pool_EvaluateAutoScale', () => {
  it('answers 200 with results, or with the error and the present targets', async () => {
    await autoPool('dry', '$TargetDedicatedNodes=0');
    const evaluated = await client().pool.evaluateAutoScale('dry', '$TargetDedicatedNodes=3');
    expect(evaluated._response.status).toBe(200);
    expect(evaluated.results).toBe(
      '$TargetDedicatedNodes=3;$TargetLowPriorityNodes=0;$NodeDeallocationOption=requeue',
    );
    expect(evaluated.error).toBeUndefined();
    const useless = await client().pool.evaluateAutoScale('dry', 'something_useless');
    expect(useless).toMatchObject({
      results: ECHO,
      error: {
        code: 'AutoScalingFormulaEvaluationError',
        values: [{ name: 'Message', value: 'Line 1, Col 1: unknown variable something_useless' }],
      },
    });
    const early = await client().pool.evaluateAutoScale(
      'dry',
      'a = 1;\n$TargetDedicatedNodes = avg($CPUPercent.GetSample(TimeInterval_Minute * 10, 70));',
    );
    expect(early.error).toMatchObject({
      code: 'InsufficientSampleData',
      message: 'Autoscale evaluation failed due to insufficient sample data',
      values: [
        {
          name: 'Message',
          value:
            'Line 2, Col 29: Insufficient data from data set: $CPUPercent wanted 70%, received 0%',
        },
      ],
    });
    expect((await client().pool.get('dry')).targetDedicatedNodes).toBe(0);
  });

  it('has the metadata of its type and no ETag', async () => {
    const answer = await signedRequest(controller, 'POST', '/pools/dry/evaluateautoscale', {
      body: '{"autoScaleFormula":"x=1"}',
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.etag).toBeUndefined();
    expect(JSON.parse(answer.text)).toMatchObject({
      'odata.metadata': `${controller.url}/$metadata#Microsoft.Azure.Batch.Protocol.Entities.AutoScaleRun`,
      results: `${ECHO};x=1`,
    });
  });

  it('is refused for a pool that does not scale itself', async () => {
    await client().pool.add({ id: 'fixed', ...POOL, targetDedicatedNodes: 0 });
    await expect(
      client().pool.evaluateAutoScale('fixed', '$TargetDedicatedNodes=1'),
    ).rejects.toMatchObject({ statusCode: 409, code: 'OperationInvalidForCurrentState' });
    await expect(client().pool.evaluateAutoScale('dry', '')).rejects.toMatchObject({
      statusCode: 400,
    });
  });
});

describe('a pool with real nodes', () => {
  it('grows with its tasks, lets them end, and shrinks to nothing', async () => {
    await autoPool(
      'real',
      `tasks = max($PendingTasks.GetSample(1));
       $TargetDedicatedNodes = min(2, tasks);
       $NodeDeallocationOption = taskcompletion;`,
      'PT5S',
    );
    await client().job.add({ id: 'real', poolInfo: { poolId: 'real' } });
    await client().task.addCollection('real', [
      { id: 'one', commandLine: '/bin/sleep 1' },
      { id: 'two', commandLine: '/bin/sleep 1' },
      { id: 'three', commandLine: '/bin/sleep 1' },
    ]);
    await waitFor(
      'the tasks to succeed',
      async () => {
        const { taskCounts } = await client().job.getTaskCounts('real');
        return taskCounts.succeeded === 3;
      },
      { timeoutMs: 40_000 },
    );
    const metrics = await client().pool.evaluateAutoScale(
      'real',
      'done = $SucceededTasks; nodes = $SampleNodeCount; memory = $MemoryBytes > 0; cpu = $CPUPercent >= 0; net = $NetworkInBytes >= 0;',
    );
    if (metrics.error === undefined)
      expect(metrics.results).toMatch(/;cpu=1;done=3;memory=1;net=1;nodes=[12]$/);
    else expect(metrics.error.code).toBe('InsufficientSampleData');
    await waitFor(
      'the nodes to go',
      async () => {
        const pool = await client().pool.get('real');
        return pool.currentDedicatedNodes === 0 && pool.targetDedicatedNodes === 0;
      },
      { timeoutMs: 40_000 },
    );
  });
});

describe('the management plane', () => {
  it('makes, changes and disables automatic scaling as scaleSettings', async () => {
    const credential = {
      getToken: () =>
        Promise.resolve({
          token: controller.adminToken,
          expiresOnTimestamp: Date.now() + 3_600_000,
        }),
    };
    const arm = new BatchManagementClient(credential, '00000000-0000-0000-0000-000000000000', {
      endpoint: controller.tlsUrl,
      tlsOptions: { ca: readFileSync(controller.caFile ?? '', 'utf8') },
      retryOptions: { maxRetries: 0 },
    });
    const { value } = await arm.batchAccountOperations.list().next();
    const [, group = '', name = ''] =
      /resourceGroups\/([^/]+)\/.*\/([^/]+)$/.exec((value as { id: string }).id) ?? [];
    const made = await arm.poolOperations.create(group, name, 'arm', {
      vmSize: 'STANDARD_D1_V2',
      deploymentConfiguration: {
        virtualMachineConfiguration: {
          imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local' },
          nodeAgentSkuId: 'batch.node.process',
        },
      },
      scaleSettings: {
        autoScale: { formula: '$TargetDedicatedNodes=0', evaluationInterval: 'PT10M' },
      },
    });
    expect(made.scaleSettings).toEqual({
      autoScale: { formula: '$TargetDedicatedNodes=0', evaluationInterval: 'PT10M' },
    });
    expect(made.autoScaleRun).toMatchObject({ results: ECHO });
    expect(made.autoScaleRun?.evaluationTime).toBeInstanceOf(Date);
    await steady('arm');
    const changed = await arm.poolOperations.update(group, name, 'arm', {
      scaleSettings: { autoScale: { formula: 'x = unknown', evaluationInterval: 'PT20M' } },
    });
    expect(changed.autoScaleRun?.error).toMatchObject({
      code: 'AutoScalingFormulaEvaluationError',
      details: [{ code: 'Message', message: 'Line 1, Col 5: unknown variable unknown' }],
    });
    const read = await arm.poolOperations.get(group, name, 'arm');
    const metadata = [{ name: 'a', value: 'b' }];
    const sentBack = { scaleSettings: read.scaleSettings, metadata };
    expect(await arm.poolOperations.update(group, name, 'arm', sentBack)).toMatchObject(sentBack);
    await expect(
      arm.poolOperations.update(group, name, 'arm', {
        scaleSettings: { ...read.scaleSettings, fixedScale: { targetDedicatedNodes: 1 } },
      }),
    ).rejects.toMatchObject({ statusCode: 400 });
    const disabled = await arm.poolOperations.disableAutoScale(group, name, 'arm');
    expect(disabled.scaleSettings?.autoScale).toBeUndefined();
    expect(disabled.scaleSettings?.fixedScale).toMatchObject({ targetDedicatedNodes: 0 });
  });
});
