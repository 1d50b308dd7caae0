import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { account } from '../../provider/core/account.js';
import { application } from '../../provider/core/application/application.js';
import { applicationPackage } from '../../provider/core/application/package.js';
import { job } from '../../provider/core/job/job.js';
import { jobSchedule } from '../../provider/core/job/job-schedule.js';
import type { Properties } from '../../provider/core/json.js';
import type { Kind } from '../../provider/core/kind.js';
import { pool } from '../../provider/core/pool/pool.js';
import type { Ports } from '../../provider/core/ports.js';
import { connect } from '../../provider/dynamic/connect.js';
import { startController, type StartedController } from '../support/start-controller.js';
import { tempDirectory } from '../support/temp-dir.js';
import { makeZip } from '../support/zip.js';
import { ACCOUNT, make, POOL } from './ports.js';

const folder = tempDirectory('drift');
let controller: StartedController;
let ports: Ports;
beforeAll(async () => {
  controller = await startController();
  ports = connect({}, { endpoint: controller.url, adminToken: controller.adminToken });
  await make(account, ACCOUNT, ports);
  const tool = { ...ACCOUNT, applicationName: 'tool' };
  await make(application, tool, ports);
  const source = join(folder.path, 'tool.zip');
  writeFileSync(source, makeZip([{ name: 'tool', content: 'x' }]));
  await make(applicationPackage, { ...tool, versionName: '1.0', source }, ports);
});
afterAll(async () => {
  await controller.stop();
  folder.remove();
});

/** What a refresh finds right after the resource was made. */
async function madeAndRead(kind: Kind, inputs: Properties): Promise<[string, Properties]> {
  const { id, outs } = await make(kind, inputs, ports);
  expect((await kind.read(id, outs, ports))?.inputs).toEqual(inputs);
  expect(kind.diff(id, outs, inputs).changes).toBe(false);
  return [id, outs];
}
const start = { commandLine: 'true', userIdentity: { userName: 'u' } };
const EVERYTHING = {
  ...POOL,
  displayName: 'All of it',
  scaleSettings: { fixedScale: { targetDedicatedNodes: 0 } },
  applicationPackages: [{ id: '…/applications/tool/versions/1.0' }],
  interNodeCommunication: 'Enabled',
  taskSchedulingPolicy: { nodeFillType: 'Pack' },
  userAccounts: [
    {
      name: 'u',
      password: 'hidden',
      elevationLevel: 'Admin',
      linuxUserConfiguration: { uid: 5000, gid: 5000, sshPrivateKey: 'hidden' },
    },
  ],
  startTask: start,
  targetNodeCommunicationMode: 'Simplified',
  metadata: [{ name: 'a', value: 'b' }],
};

describe('right after it was made, a refresh finds nothing', () => {
  it('of a pool with a fixed size and much beside, nor after each change in place', async () => {
    const [id, made] = await madeAndRead(pool, EVERYTHING);
    let outs = made;
    const { startTask: _start, targetNodeCommunicationMode: _mode, ...less } = EVERYTHING;
    for (const news of [
      { ...EVERYTHING, applicationPackages: [] },
      { ...less, metadata: [] },
      { ...less, scaleSettings: { autoScale: { formula: '$TargetDedicatedNodes = 0;' } } },
      less,
    ]) {
      outs = await pool.update(id, outs, news, ports);
      expect((await pool.read(id, outs, ports))?.inputs).toEqual(news);
    }
    await pool.delete(id, outs, ports);
  });
  it('of a pool that is scaled by a formula', async () => {
    const scaleSettings = { autoScale: { formula: '$TargetDedicatedNodes = 0;' } };
    await madeAndRead(pool, { ...POOL, poolName: 'auto', scaleSettings });
  });
  it('of a job with special tasks and a pool of its own, and of a schedule of such jobs', async () => {
    const specification = {
      poolInfo: {
        autoPoolSpecification: {
          poolLifetimeOption: 'job',
          pool: {
            vmSize: POOL.vmSize,
            virtualMachineConfiguration: {
              imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local' },
              nodeAgentSKUId: 'batch.node.process',
            },
            userAccounts: [{ name: 'u', password: 'hidden' }],
          },
        },
      },
      jobPreparationTask: start,
      jobReleaseTask: { commandLine: 'true' },
      jobManagerTask: {
        id: 'manager',
        commandLine: 'true',
        authenticationTokenSettings: { access: ['job'] },
      },
      onTaskFailure: 'performexitoptionsjobaction',
      usesTaskDependencies: true,
    };
    const tasks = [
      {
        id: 'many',
        commandLine: 'true',
        multiInstanceSettings: { numberOfInstances: 2, coordinationCommandLine: 'true' },
        exitConditions: { default: { jobAction: 'none', dependencyAction: 'block' } },
      },
    ];
    const [id, outs] = await madeAndRead(job, { ...ACCOUNT, jobId: 'j', ...specification, tasks });
    await job.delete(id, outs, ports);
    const [scheduleId, schedule] = await madeAndRead(jobSchedule, {
      ...ACCOUNT,
      jobScheduleId: 's',
      schedule: { recurrenceInterval: 'PT10M' },
      jobSpecification: specification,
    });
    await jobSchedule.delete(scheduleId, schedule, ports);
    await madeAndRead(jobSchedule, {
      ...ACCOUNT,
      jobScheduleId: 'nightly',
      schedule: { cronExpression: '30 2 * * *', timeZone: 'Europe/Berlin' },
      jobSpecification: { poolInfo: { poolId: 'p' } },
    });
  });
});
