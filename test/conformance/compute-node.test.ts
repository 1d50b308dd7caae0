import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BatchServiceClient } from '@azure/batch';
import { batchClient } from '../support/client.js';
import { signedRequest } from '../support/signed-request.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';
import { waitFor } from '../support/wait-for.js';

const pool = {
  id: 'work',
  vmSize: 'standard_d1_v2',
  targetDedicatedNodes: 2,
  virtualMachineConfiguration: {
    imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local' },
    nodeAgentSKUId: 'batch.node.process',
  },
  networkConfiguration: {
    endpointConfiguration: {
      inboundNATPools: [
        {
          name: 'TestEndpointConfig',
          protocol: 'udp' as const,
          backendPort: 64444,
          frontendPortRangeStart: 60000,
          frontendPortRangeEnd: 61000,
        },
      ],
    },
  },
};

let controller: StartedController;
let client: BatchServiceClient;
let nodeId = '';
beforeAll(async () => {
  controller = await startController();
  client = batchClient(controller);
  await client.pool.add(pool);
  nodeId = await waitFor('two idle nodes', async () => {
    const nodes = await client.computeNode.list('work');
    return nodes.filter(({ state }) => state === 'idle').length === 2 && nodes[0]?.id;
  });
});
afterAll(() => controller.stop());

const statusOf = (answer: { _response: { status: number } }) => answer._response.status;

describe('users of a node', () => {
  const name = 'someone';
  it('are added, changed and deleted by name', async () => {
    const user = { name, isAdmin: false, password: 'kt#_gahr!@aGERDXA' };
    const added = await client.computeNode.addUser('work', nodeId, user);
    expect(statusOf(added)).toBe(201);
    await expect(client.computeNode.addUser('work', nodeId, user)).rejects.toMatchObject({
      statusCode: 409,
      code: 'NodeUserExists',
    });
    const expiryTime = new Date(Date.now() + 3_600_000);
    const update = { password: 'liilef#$DdRGSa_ewkjh', expiryTime };
    expect(statusOf(await client.computeNode.updateUser('work', nodeId, name, update))).toBe(200);
    expect(statusOf(await client.computeNode.deleteUser('work', nodeId, name))).toBe(200);
    for (const gone of [
      () => client.computeNode.deleteUser('work', nodeId, name),
      () => client.computeNode.updateUser('work', nodeId, name, update),
    ])
      await expect(gone()).rejects.toMatchObject({ statusCode: 404, code: 'NodeUserNotFound' });
  });

  it('expire, and their passwords are kept nowhere', async () => {
    const expiryTime = new Date(Date.now() + 1_500);
    const user = { name: 'brief', password: 'secret-of-brief-1', expiryTime };
    await client.computeNode.addUser('work', nodeId, user);
    await waitFor('the user to expire', async () =>
      client.computeNode
        .deleteUser('work', nodeId, 'brief')
        .then(
          () => client.computeNode.addUser('work', nodeId, user).then(() => false),
          (error: { code?: string }) => error.code === 'NodeUserNotFound' || Promise.reject(error),
        )
        .catch((error: { code?: string }) => error.code === 'InvalidPropertyValue'),
    );
    expect(controller.logs()).not.toContain('secret-of-brief-1');
  });

  it('are refused with a key or an expiry time that means nothing', async () => {
    const add = (more: object) =>
      client.computeNode.addUser('work', nodeId, { name: 'wrong', ...more });
    for (const more of [
      { sshPublicKey: 'not a key!' },
      { expiryTime: new Date(Date.now() - 1000) },
      { name: 'no good' },
    ])
      await expect(add(more)).rejects.toMatchObject({
        statusCode: 400,
        code: 'InvalidPropertyValue',
      });
    const sshPublicKey = `ssh-ed25519 ${Buffer.alloc(51).toString('base64')} me@home`;
    await client.computeNode.addUser('work', nodeId, { name: 'keyed', sshPublicKey });
    await expect(
      client.computeNode.addUser('work', 'tvmps_none', { name: 'nobody' }),
    ).rejects.toMatchObject({ statusCode: 404, code: 'NodeNotFound' });
  });
});

describe('a node', () => {
  it('says where it is reached', async () => {
    const login = await client.computeNode.getRemoteLoginSettings('work', nodeId);
    expect(login.remoteLoginIPAddress).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
    expect(login.remoteLoginPort).toBe(22);
    const nodes = await client.computeNode.list('work');
    const endpoints = nodes.map(({ endpointConfiguration }) =>
      endpointConfiguration?.inboundEndpoints.map(({ name }) => name),
    );
    expect(endpoints.flat().sort()).toEqual([
      'SSHRule.0',
      'SSHRule.1',
      'TestEndpointConfig.0',
      'TestEndpointConfig.1',
    ]);
    const [first] = nodes[0]?.endpointConfiguration?.inboundEndpoints ?? [];
    expect(first).toMatchObject({ protocol: 'udp', backendPort: 64444 });
    expect(first?.frontendPort).toBeGreaterThanOrEqual(60000);
  });

  it('has no remote desktop and no extensions', async () => {
    await expect(client.computeNode.getRemoteDesktop('work', nodeId)).rejects.toMatchObject({
      statusCode: 409,
    });
    const path = `/pools/work/nodes/${nodeId}/extensions`;
    const listed = await signedRequest(controller, 'GET', path);
    expect(JSON.parse(listed.text)).toMatchObject({ value: [] });
    expect((await signedRequest(controller, 'GET', `${path}/any`)).status).toBe(404);
    for (const [query, code] of [
      ['?maxresults=0', 'OutOfRangeQueryParameterValue'],
      ['?maxresults=none', 'InvalidQueryParameterValue'],
      ['?$select=name', 'InvalidQueryParameterValue'],
      ['/any?$select=name', 'InvalidQueryParameterValue'],
    ] as const)
      expect(await signedRequest(controller, 'GET', path + query)).toMatchObject({
        status: 400,
        code,
      });
  });

  it('has a remote desktop in a pool with a cloud service configuration', async () => {
    const cloudServiceConfiguration = { osFamily: '5' };
    const cloud = { id: 'cloud', vmSize: 'small', cloudServiceConfiguration };
    await client.pool.add({ ...cloud, targetDedicatedNodes: 1 });
    const node = await waitFor('a node of the cloud service', async () => {
      const [one] = await client.computeNode.list('cloud');
      return one?.state === 'idle' && one;
    });
    const answer = await client.computeNode.getRemoteDesktop('cloud', node.id ?? '');
    expect(statusOf(answer)).toBe(200);
    const raw = await signedRequest(controller, 'GET', `/pools/cloud/nodes/${node.id ?? ''}/rdp`);
    expect(raw.headers['content-type']).toBe('application/octet-stream');
    expect(raw.text.split('\r\n')).toEqual([
      `full address:s:${node.ipAddress ?? ''}`,
      expect.stringMatching(/^LoadBalanceInfo:s:./),
      '',
    ]);
    await client.pool.deleteMethod('cloud');
  });

  it('sends its logs to a container', async () => {
    const storage = `${controller.url}/storage/${controller.account}/logs`;
    const authorization = `Bearer ${controller.adminToken}`;
    await fetch(`${storage}?restype=container`, { method: 'PUT', headers: { authorization } });
    const { virtualDirectoryName, numberOfFilesUploaded } =
      await client.computeNode.uploadBatchServiceLogs('work', nodeId, {
        containerUrl: storage,
        startTime: new Date(Date.now() - 3_600_000),
      });
    expect(numberOfFilesUploaded).toBeGreaterThanOrEqual(1);
    expect(virtualDirectoryName).toMatch(new RegExp(`^batch-\\w+/work/${nodeId}/[0-9a-f-]{36}$`));
    const log = await waitFor('the log to arrive', async () => {
      const url = `${storage}/${virtualDirectoryName}/agent.log`;
      const answer = await fetch(url, { headers: { authorization } });
      return answer.ok && (await answer.text());
    });
    expect(log).toContain('agent');
    const fake = { containerUrl: 'http://127.0.0.1:9/none', startTime: new Date() };
    const second = await client.computeNode.uploadBatchServiceLogs('work', nodeId, fake);
    expect(second.numberOfFilesUploaded).toBeGreaterThanOrEqual(1);
  });

  it('shows its agent, its image and the last ten tasks', async () => {
    const before = await client.computeNode.get('work', nodeId);
    expect(before.recentTasks ?? []).toEqual([]);
    expect(before.nodeAgentInfo?.version).toMatch(/\d/);
    expect(before.virtualMachineInfo?.imageReference).toMatchObject({ offer: 'process' });
    await client.job.add({ id: 'job', poolInfo: { poolId: 'work' } });
    const tasks = Array.from({ length: 30 }, (_, n) => ({
      id: `t${n}`,
      commandLine: n === 29 ? "/bin/sh -c 'exit 3'" : '/bin/true',
      affinityInfo: { affinityId: `TVM:${nodeId}` },
    }));
    await client.task.addCollection('job', tasks);
    await waitFor('all tasks to complete', async () => {
      return (await client.job.getTaskCounts('job')).taskCounts.completed === 30;
    });
    const nodes = await client.computeNode.list('work');
    const recent = nodes.flatMap(({ recentTasks = [] }) => recentTasks);
    for (const { recentTasks = [] } of nodes) expect(recentTasks.length).toBeLessThanOrEqual(10);
    expect(recent.length).toBeGreaterThanOrEqual(10);
    expect(recent.find(({ taskId }) => taskId === 't29')).toMatchObject({
      jobId: 'job',
      taskState: 'completed',
      taskUrl: `${controller.url}/jobs/job/tasks/t29`,
      executionInfo: { exitCode: 3, result: 'failure' },
    });
  });
});
