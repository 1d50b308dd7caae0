import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import forge from 'node-forge';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { account } from '../../provider/core/account.js';
import { certificate } from '../../provider/core/certificate/certificate.js';
import { job } from '../../provider/core/job/job.js';
import { jobSchedule } from '../../provider/core/job/job-schedule.js';
import { storageContainer } from '../../provider/core/storage/storage-container.js';
import { connect } from '../../provider/dynamic/connect.js';
import { startFakeBatch, type FakeBatch } from '../support/fake-batch.js';
import { tempDirectory } from '../support/temp-dir.js';
import { ACCOUNT, make, portsOn, UNKNOWN } from './ports.js';

let fake: FakeBatch;
beforeAll(async () => {
  fake = await startFakeBatch();
});
afterAll(() => fake.stop());
beforeEach(async () => {
  for (const entities of [
    fake.accounts,
    fake.jobs,
    fake.tasks,
    fake.certificates,
    fake.jobSchedules,
    fake.blobs,
  ])
    entities.clear();
  await make(account, { ...ACCOUNT, owner: 'p/s/a' }, portsOn(fake));
  fake.requests.length = 0;
});

describe('an account', () => {
  it('gives its keys, and a new one when the trigger changes', async () => {
    const inputs = { accountName: 'second', keyRotation: { primary: '1' } };
    const { id, outs } = await make(account, inputs, portsOn(fake));
    expect(outs).toMatchObject({
      primaryKey: 'a2V5MQ==',
      secondaryKey: 'a2V5Mg==',
      provisioningState: 'Succeeded',
    });
    const news = { ...inputs, keyRotation: { primary: '2' } };
    expect(account.diff(id, outs, news)).toMatchObject({ changes: true, replaces: [] });
    expect(await account.update(id, outs, news, portsOn(fake))).toMatchObject({
      primaryKey: 'bmV3IFByaW1hcnk=',
      secondaryKey: 'a2V5Mg==',
    });
  });
  it('is gone only by the code of the management plane', async () => {
    expect(await account.read('', { accountName: 'never' }, portsOn(fake))).toBeUndefined();
    fake.intercept = () => ({ status: 404, text: 'nginx' });
    await expect(account.read('', ACCOUNT, portsOn(fake))).rejects.toThrow('404');
    fake.intercept = undefined;
  });
  it('refuses a name that the service would refuse', async () => {
    expect((await account.check({}, { accountName: 'Not OK' })).failures).toEqual([
      { property: 'accountName', reason: 'must be 3 to 24 lower-case letters and digits' },
    ]);
  });
  it('names token and controller in what goes wrong', async () => {
    const ports = connect({ connection: { endpoint: fake.url, adminToken: 'wrong' } }, {});
    await expect(make(account, { accountName: 'third' }, ports)).rejects.toThrow(
      /Account third: .*401.*check the admin token/,
    );
    expect(() => connect({}, { endpoint: 'ftp://host' })).toThrow(/endpoint ftp:\/\/host must be/);
  });
});

describe('a job', () => {
  const JOB = { ...ACCOUNT, jobId: 'j', poolInfo: { poolId: 'p' }, owner: 'p/s/j' };
  const tasks = (count: number) =>
    Array.from({ length: count }, (_, n) => ({ id: `t${n}`, commandLine: 'true' }));
  it('gets its tasks a hundred at a time, and may end with them only then', async () => {
    let ended: unknown;
    fake.intercept = (line) => {
      if (line === 'PATCH /jobs/j') ended = fake.tasks.size;
      return undefined;
    };
    await make(
      job,
      { ...JOB, tasks: tasks(250), onAllTasksComplete: 'terminatejob' },
      portsOn(fake),
    );
    expect(fake.requests.filter((line) => line.endsWith('addtaskcollection'))).toHaveLength(3);
    expect(ended).toBe(250);
    fake.intercept = undefined;
  });
  it('takes new tasks in place, and is replaced for a task that changed', async () => {
    const { id, outs } = await make(job, { ...JOB, tasks: tasks(2) }, portsOn(fake));
    const more = { ...JOB, tasks: tasks(3) };
    expect(job.diff(id, outs, more)).toMatchObject({ changes: true, replaces: [] });
    await job.update(id, outs, more, portsOn(fake));
    expect([...fake.tasks.keys()]).toEqual(['j/t0', 'j/t1', 'j/t2']);
    expect(
      job.diff(id, outs, { ...JOB, tasks: [{ id: 't0', commandLine: 'false' }] }).replaces,
    ).toEqual(['tasks']);
  });
  it('names the task and the property that are wrong', async () => {
    const [failure] = (await job.check({}, { ...JOB, tasks: [{ id: 'a b', commandLine: 'x' }] }))
      .failures;
    expect(failure?.reason).toMatch(/^tasks\[0\]\.id: must be 1 to 64/);
    const [dependency] = (
      await job.check(
        {},
        { ...JOB, tasks: [{ id: 'a', commandLine: 'x', dependsOn: { taskIds: ['b'] } }] },
      )
    ).failures;
    expect(dependency?.property).toBe('usesTaskDependencies');
    expect(
      (await job.check({}, { ...JOB, tasks: [{ id: 'a', commandLine: UNKNOWN }] })).failures,
    ).toEqual([]);
  });
  it('has special tasks, an auto pool and tasks on several nodes, and reads back as it was given', async () => {
    const program = {
      commandLine: 'x',
      containerSettings: { imageName: 'i', registry: { userName: 'u', password: 'hidden' } },
    };
    const inputs = {
      ...JOB,
      poolInfo: {
        autoPoolSpecification: {
          poolLifetimeOption: 'job',
          pool: {
            vmSize: 'standard_a1_v2',
            virtualMachineConfiguration: {
              imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local' },
              nodeAgentSKUId: 'batch.node.process',
            },
            targetLowPriorityNodes: 1,
          },
        },
      },
      jobPreparationTask: program,
      jobReleaseTask: { commandLine: 'y' },
      tasks: [
        {
          id: 't',
          commandLine: 'z',
          multiInstanceSettings: { numberOfInstances: 2, coordinationCommandLine: 'c' },
          exitConditions: { exitCodes: [{ code: 1, exitOptions: { jobAction: 'terminate' } }] },
          authenticationTokenSettings: { access: ['job'] },
        },
      ],
    };
    const { id, outs } = await make(job, inputs, portsOn(fake));
    expect(fake.jobs.get('j')).toMatchObject({
      jobPreparationTask: {
        containerSettings: { registry: { username: 'u', password: 'hidden' } },
      },
    });
    expect(fake.tasks.get('j/t')).toMatchObject({
      multiInstanceSettings: { numberOfInstances: 2 },
    });
    expect((await job.read(id, outs, portsOn(fake)))?.inputs).toEqual(inputs);
    expect(
      job.diff(id, outs, { ...inputs, jobReleaseTask: { commandLine: 'other' } }).replaces,
    ).toEqual(['jobReleaseTask']);
  });
  it('that has completed is no drift', async () => {
    const inputs = { ...JOB, tasks: tasks(1) };
    const { id, outs } = await make(job, inputs, portsOn(fake));
    Object.assign(fake.jobs.get('j') ?? {}, { state: 'completed' });
    expect((await job.read(id, outs, portsOn(fake)))?.inputs).toEqual(inputs);
  });
  it('changes its pool while it is disabled', async () => {
    const { id, outs } = await make(job, JOB, portsOn(fake));
    fake.requests.length = 0;
    await job.update(id, outs, { ...JOB, poolInfo: { poolId: 'q' } }, portsOn(fake));
    expect(fake.requests.filter((line) => !line.startsWith('GET'))).toEqual([
      'POST /jobs/j/disable',
      'PATCH /jobs/j',
      'POST /jobs/j/enable',
    ]);
  });
});

describe('a job schedule', () => {
  const SCHEDULE = {
    ...ACCOUNT,
    jobScheduleId: 's',
    schedule: { recurrenceInterval: 'PT90S' },
    jobSpecification: { poolInfo: { poolId: 'p' } },
    owner: 'p/s/s',
  };
  it('compares durations by their length and is changed in place', async () => {
    const { id, outs } = await make(jobSchedule, SCHEDULE, portsOn(fake));
    expect(
      jobSchedule.diff(id, outs, { ...SCHEDULE, schedule: { recurrenceInterval: 'PT1M30S' } })
        .changes,
    ).toBe(false);
    const news = { ...SCHEDULE, schedule: { recurrenceInterval: 'PT2M' } };
    expect(jobSchedule.diff(id, outs, news)).toMatchObject({ changes: true, replaces: [] });
    await jobSchedule.update(id, outs, news, portsOn(fake));
    expect((await jobSchedule.read(id, { ...outs, ...news }, portsOn(fake)))?.inputs).toEqual(news);
  });
});

describe('a certificate', () => {
  const wish = {
    ...ACCOUNT,
    selfSigned: { commonName: 'test' },
    secrets: { a: 'first', b: 'second' },
  };
  it('is made once, opens with its password, and reads what was encrypted for it', async () => {
    const { id, outs } = await make(certificate, wish, portsOn(fake));
    const { pfxData, pfxPassword, privateKeyPem, thumbprint } = outs as Record<string, string>;
    expect(id.endsWith(`sha1-${thumbprint}`)).toBe(true);
    const pfx = forge.asn1.fromDer(forge.util.decode64(pfxData ?? ''));
    expect(
      forge.pkcs12
        .pkcs12FromAsn1(pfx, pfxPassword)
        .getBags({ bagType: forge.pki.oids.pkcs8ShroudedKeyBag }),
    ).toBeTruthy();
    const read = (text: unknown) => {
      const message = forge.pkcs7.messageFromAsn1(
        forge.asn1.fromDer(forge.pem.decode(String(text))[0]?.body ?? ''),
      ) as forge.pkcs7.Captured<forge.pkcs7.PkcsEnvelopedData>;
      message.decrypt(
        message.recipients[0] as forge.pkcs7.Recipient,
        forge.pki.privateKeyFromPem(privateKeyPem ?? ''),
      );
      return String((message.content as forge.util.ByteStringBuffer).data);
    };
    const encrypted = outs.encryptedSecrets as Record<string, string>;
    expect([read(encrypted.a), read(encrypted.b)]).toEqual(['first', 'second']);
    const news = { ...wish, secrets: { a: 'first', b: 'third' } };
    expect(certificate.diff(id, outs, news)).toMatchObject({ changes: true, replaces: [] });
    const updated = (await certificate.update(id, outs, news, portsOn(fake)))
      .encryptedSecrets as Record<string, string>;
    expect(updated.a).toBe(encrypted.a);
    expect(read(updated.b)).toBe('third');
    expect(certificate.diff(id, outs, wish).changes).toBe(false);
    expect(
      certificate.diff(id, outs, { ...wish, selfSigned: { commonName: 'other' } }),
    ).toMatchObject({ replaces: ['selfSigned'], deleteBeforeReplace: false });
  });
  it('is refused with a reason that shows no secret', async () => {
    const reasons = async (inputs: object) =>
      (await certificate.check({}, { ...ACCOUNT, ...inputs })).failures;
    expect(await reasons({ data: Buffer.from('nonsense').toString('base64') })).toEqual([
      { property: '', reason: 'data is not a PFX (Base64 of PKCS #12)' },
    ]);
    const { outs } = await make(certificate, wish, portsOn(fake));
    expect(await reasons({ data: outs.pfxData, password: 'wrong' })).toEqual([
      { property: '', reason: 'data is a PFX that the password does not open' },
    ]);
    expect(
      await reasons({ data: outs.pfxData, password: outs.pfxPassword, thumbprint: 'ab' }),
    ).toMatchObject([{ property: 'thumbprint' }]);
    expect(await reasons({})).toMatchObject([{ property: 'selfSigned' }]);
  });
  it('is deleted until the service no longer knows it', async () => {
    const { id, outs } = await make(certificate, wish, portsOn(fake));
    await certificate.delete(id, outs, portsOn(fake));
    expect(fake.certificates.size).toBe(0);
  });
});

describe('a storage container', () => {
  const folder = tempDirectory('container');
  afterAll(() => folder.remove());
  it('uploads files, again only what changed, and leaves results of tasks alone', async () => {
    const put = (name: string, text: string) => writeFileSync(join(folder.path, name), text);
    mkdirSync(join(folder.path, 'inner'));
    put('a', 'one');
    put('inner/b & c', 'two');
    symlinkSync('a', join(folder.path, 'link'));
    const inputs = {
      ...ACCOUNT,
      containerName: 'files',
      source: '.',
      workingDirectory: folder.path,
      contents: { note: 'text' },
    };
    const { id, outs } = await make(storageContainer, inputs, portsOn(fake));
    expect([...fake.blobs.keys()].sort()).toEqual(['files/a', 'files/inner/b & c', 'files/note']);
    expect(outs.containerUrl).toBe(`${fake.url}/storage/yard/files`);
    fake.blobs.set('files/result', Buffer.from('of a task'));
    put('a', 'changed');
    rmSync(join(folder.path, 'inner'), { recursive: true });
    const { inputs: news } = await storageContainer.check({}, inputs);
    expect(storageContainer.diff(id, outs, news)).toMatchObject({ changes: true, replaces: [] });
    fake.requests.length = 0;
    const updated = await storageContainer.update(id, outs, news, portsOn(fake));
    expect(fake.requests).toEqual([
      'PUT /storage/yard/files/a',
      'DELETE /storage/yard/files/inner/b & c',
    ]);
    fake.blobs.delete('files/a');
    const found = await storageContainer.read(id, updated, portsOn(fake));
    expect(storageContainer.diff(id, found?.props ?? {}, news).changes).toBe(true);
  });
  it('names a folder that is not there', async () => {
    const { failures } = await storageContainer.check(
      {},
      { ...ACCOUNT, containerName: 'files', source: '/no/such/folder' },
    );
    expect(failures).toEqual([
      { property: 'source', reason: 'source: /no/such/folder is not a folder' },
    ]);
  });
});
