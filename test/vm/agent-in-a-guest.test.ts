import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { OutputFile, TaskAddParameter } from '@azure/batch';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sh } from '../support/process-pool.js';
import { libvirtRequirement, suite } from '../support/requirements.js';
import { signedRequest } from '../support/signed-request.js';
import { nfsServerRequirement } from '../support/started-nfs-server.js';
import { Guest, SECRET, TRIES } from './guest.js';

const alone = { autoUser: { scope: 'task', elevationLevel: 'nonadmin' } } as const;
const root = { autoUser: { scope: 'pool', elevationLevel: 'admin' } } as const;

const libvirt = await libvirtRequirement();
const nfsServer = await nfsServerRequirement();

suite('the agent in a guest', [libvirt, nfsServer], () => {
  let guest: Guest;
  let run: Guest['run'];

  beforeAll(async () => {
    guest = await Guest.start();
    run = (...what) => guest.run(...what);
    await guest.deployPackage();
    await guest.addPool();
    await guest.idle();
  }, 500_000);

  afterAll(() => guest.stop(), 60_000);

  it('opens a secret with its certificate in the start task, and shows it to nobody else', async () => {
    const { output } = await run(
      'secret',
      'cat $AZ_BATCH_NODE_SHARED_DIR/opened; echo; ls $AZ_BATCH_CERTIFICATES_DIR 2>&1',
    );
    expect(output.split('\n')[0]).toBe(SECRET);
    expect(output).not.toContain(guest.certificate.thumbprint);
  });

  it('runs tasks as accounts: the pool’s, their own, named ones, root', async () => {
    expect((await run('plain', 'id -un')).output).toBe('_azbatch\n');
    const [, fresh] = await Promise.all([
      run('named', 'id -u; id -g', { userIdentity: { userName: 'jane' } }).then(({ output }) =>
        expect(output).toBe('4321\n4322\n'),
      ),
      run('fresh', 'id -un; echo hidden > mine; sleep 1', { userIdentity: alone }),
      run('boss', 'id -un; sudo -n id -u', { userIdentity: { userName: 'boss' } }).then(
        ({ output }) => expect(output).toBe('boss\n0\n'),
      ),
    ]);
    expect(fresh.output).toMatch(/^_azbatch\d+\n$/);
    const look = `cat ../../fresh/wd/mine; cat $AZ_BATCH_NODE_ROOT_DIR/volatile/agent/state.json`;
    const other = await run('other', look, { userIdentity: { userName: 'jane' } });
    expect(other.output).toBe('');
    const elevated = await run('root', `id -u; ${look} | head -c 6`, { userIdentity: root });
    expect(elevated.output).toBe('0\nhidden\n{"cont');
    await run('gone', `until ! getent passwd ${fresh.output.trim()}; do sleep 0.2; done`);
    const nobody = await run('nobody', 'true', { userIdentity: { userName: 'joe' } });
    expect(nobody.failureInfo).toMatchObject({
      category: 'usererror',
      code: 'CommandLaunchFailed',
    });
  });

  it('gives the whole environment, which no setting replaces', async () => {
    const { output } = await run('env', 'env | sort', {
      applicationPackageReferences: [{ applicationId: 'Say-it', version: '1.0' }],
      environmentSettings: [
        { name: 'AZ_BATCH_NODE_ID', value: 'fake' },
        { name: 'OWN', value: 'two  words' },
      ],
    });
    const top = '/mnt/batch/tasks';
    const directory = `${top}/workitems/work/job-1/env`;
    const expected = {
      AZ_BATCH_ACCOUNT_NAME: guest.controller.account,
      AZ_BATCH_APP_PACKAGE_Say_it_1_0: `${top}/applications/Say-it/1.0`,
      AZ_BATCH_APP_PACKAGE_say_it_1_0: `${top}/applications/Say-it/1.0`,
      AZ_BATCH_CERTIFICATES_DIR: `${directory}/certs`,
      AZ_BATCH_JOB_ID: 'work',
      AZ_BATCH_NODE_ID: guest.nodeId,
      AZ_BATCH_NODE_IS_DEDICATED: 'true',
      AZ_BATCH_NODE_MOUNTS_DIR: `${top}/fsmounts`,
      AZ_BATCH_NODE_ROOT_DIR: top,
      AZ_BATCH_NODE_SHARED_DIR: `${top}/shared`,
      AZ_BATCH_NODE_STARTUP_DIR: `${top}/startup`,
      AZ_BATCH_NODE_TASK_WORKING_DIR: `${directory}/wd`,
      AZ_BATCH_POOL_ID: 'guests',
      AZ_BATCH_TASK_DIR: directory,
      AZ_BATCH_TASK_ID: 'env',
      AZ_BATCH_TASK_WORKING_DIR: `${directory}/wd`,
      HOME: '/home/_azbatch',
      OWN: 'two  words',
    };
    const lines = output.split('\n');
    for (const [name, value] of Object.entries(expected))
      expect(lines).toContain(`${name}=${value}`);
  });

  it('brings resource files and packages in, and output files out', async () => {
    const box = `${guest.storage}/box`;
    const headers = {
      authorization: `Bearer ${guest.controller.adminToken}`,
      'x-ms-blob-type': 'BlockBlob',
    };
    const put = (path: string, body?: string) =>
      fetch(`${box}${path}`, { method: 'PUT', headers, ...(body === undefined ? {} : { body }) });
    await put('?restype=container');
    for (const name of ['in/a', 'in/deep/b', 'c']) await put(`/${name}`, name);
    const output = (
      filePattern: string,
      path: string,
      uploadCondition: 'tasksuccess' | 'taskfailure',
    ): OutputFile => ({
      filePattern,
      destination: { container: { containerUrl: box, path } },
      uploadOptions: { uploadCondition },
    });
    const script =
      'stat -c "%n %a %U" one some/in/deep/b c; $AZ_BATCH_APP_PACKAGE_SAY_IT/say well; mkdir out; echo made > out/x.txt; exit 3';
    const {
      exitCode,
      failureInfo,
      output: said,
    } = await run('files', script.replace('SAY_IT', 'Say_it_1_0'), {
      applicationPackageReferences: [{ applicationId: 'Say-it', version: '1.0' }],
      resourceFiles: [
        { httpUrl: `${box}/in/a`, filePath: 'one', fileMode: '0640' },
        { storageContainerUrl: box, blobPrefix: 'in/', filePath: 'some' },
        { autoStorageContainerName: 'box', blobPrefix: 'c' },
      ],
      outputFiles: [
        output('**/*.txt', 'failed', 'taskfailure'),
        output('../stdout.txt', 'said', 'taskfailure'),
        output('**/*.txt', 'succeeded', 'tasksuccess'),
      ],
    });
    expect(said).toBe(
      'one 640 _azbatch\nsome/in/deep/b 770 _azbatch\nc 770 _azbatch\npacked well\n',
    );
    expect({ exitCode, failureInfo }).toMatchObject({
      exitCode: 3,
      failureInfo: { code: 'FailureExitCode' },
    });
    const get = async (path: string) => (await fetch(`${box}/${path}`, { headers })).text();
    expect(await get('failed/out/x.txt')).toBe('made\n');
    expect(await get('said')).toBe(said);
    expect(await get('succeeded/out/x.txt')).toContain('BlobNotFound');
  });

  it('shares a file system of an NFS server with its tasks', async () => {
    const place = '$AZ_BATCH_NODE_MOUNTS_DIR/data';
    const { output } = await run(
      'nfs',
      `stat -f -c %T ${place}; echo shared > ${place}/file; cat ${place}/file`,
      { userIdentity: root },
    );
    expect(output).toBe('nfs\nshared\n');
  });

  it('kills what a task leaves, and a task that runs too long, to the last process', async () => {
    // The daemon has a session of its own and no variable of the task.
    const daemon =
      'env -i /usr/bin/setsid /bin/sh -c "echo \\$\\$ > $AZ_BATCH_NODE_SHARED_DIR/left; exec /bin/sleep 600" &';
    const leaves = run(
      'leaves',
      `${daemon} until test -s $AZ_BATCH_NODE_SHARED_DIR/left; do sleep 0.1; done; sleep 2`,
    );
    const late = run('late', 'trap "" TERM; /bin/sleep 601 & wait; wait; sleep 602', {
      constraints: { maxWallClockTime: 'PT2S', maxTaskRetryCount: 3 },
    });
    expect(await leaves).toMatchObject({ exitCode: 0 });
    expect(await late).toMatchObject({
      exitCode: -9,
      retryCount: 0,
      failureInfo: { category: 'usererror', code: 'TaskEnded' },
    });
    const { output } = await run(
      'look',
      'ps -eo args | grep "[/]bin/sleep 60"; ls -d /sys/fs/cgroup/*batch*; test -s $AZ_BATCH_NODE_SHARED_DIR/left && echo was there',
    );
    expect(output).toMatch(/^\/sys\/fs\/cgroup\/\S+\nwas there\n$/);
  });

  it('tells exit codes and signals as they were, and tries again as often as it may', async () => {
    const exits = await Promise.all([
      run('exit', 'echo x >> $AZ_BATCH_NODE_SHARED_DIR/tries; exit 7', {
        constraints: { maxTaskRetryCount: 2 },
      }),
      run('signal', 'kill -11 $$'),
    ]);
    expect(exits.map(({ exitCode, retryCount }) => [exitCode, retryCount])).toEqual([
      [7, 2],
      [-11, 0],
    ]);
    expect((await run('tries', 'wc -l < $AZ_BATCH_NODE_SHARED_DIR/tries')).output).toBe('3\n');
  });

  it('fails what can’t run with the contract’s codes, and takes the next task', async () => {
    const gone = [{ httpUrl: `${guest.storage}/box/none`, filePath: 'x' }];
    const cases: [string, Partial<TaskAddParameter>, string][] = [
      ['missing', { commandLine: 'no-such-program' }, 'CommandProgramNotFound'],
      ['plain-file', { commandLine: '/etc/hosts' }, 'CommandLaunchFailed'],
      ['quotes', { commandLine: 'echo "open' }, 'CommandLaunchFailed'],
      ['blob', { commandLine: 'true', resourceFiles: gone }, 'BlobNotFound'],
      [
        'package',
        { commandLine: 'true', applicationPackageReferences: [{ applicationId: 'none' }] },
        'ApplicationPackageError',
      ],
      [
        'full',
        {
          commandLine: sh(
            'fallocate -l $(($(df --output=avail -B1 . | tail -1) - 1000000)) big; sleep 600',
          ),
        },
        'DiskFull',
      ],
    ];
    for (const [id, more] of cases)
      await guest.client.task.add('work', { id, commandLine: '', ...more });
    const codes = await Promise.all(
      cases.map(async ([id]) => (await guest.ended(id)).failureInfo?.code),
    );
    expect(codes).toEqual(cases.map(([, , code]) => code));
    expect(await run('next', 'df --output=avail -B1M . | tail -1')).toMatchObject({ exitCode: 0 });
  });

  it('is as patient with transfers as its controller says', async () => {
    let asked = 0;
    const busy = createServer((_, response) => {
      asked += 1;
      response.writeHead(503).end();
    });
    await new Promise<void>((listening) => busy.listen(0, '127.0.0.1', listening));
    const { port } = busy.address() as AddressInfo;
    try {
      // The host's loopback interface, as a guest's user-mode network sees it.
      const httpUrl = `http://10.0.2.2:${String(port)}/busy`;
      const { failureInfo } = await run('busy', 'true', {
        resourceFiles: [{ httpUrl, filePath: 'x' }],
      });
      expect(failureInfo?.code).toBe('BlobDownloadMiscError');
      expect(asked).toBe(TRIES);
    } finally {
      busy.close();
    }
  });

  it('shows files while they grow, and sends the node’s logs', async () => {
    await guest.client.task.add('work', {
      id: 'grows',
      commandLine: sh(
        'echo one; mkdir d; echo deep > d/f; until test -e go; do sleep 0.1; done; echo two',
      ),
    });
    const seen = await guest.until('its first line', async () => {
      const text = await guest.text('grows/files/stdout.txt');
      return text.startsWith('one') && text;
    });
    expect(seen).toBe('one\n');
    const following = guest.text('grows/follow/stdout.txt');
    const listed = await guest.client.file.listFromTask('work', 'grows', { recursive: true });
    expect(listed.map(({ name }) => name).sort()).toEqual([
      'certs',
      'stderr.txt',
      'stdout.txt',
      'wd',
      'wd/d',
      'wd/d/f',
    ]);
    await run('lets-go', 'touch ../../grows/wd/go');
    expect(await following).toBe('one\ntwo\n');
    const part = await signedRequest(
      guest.controller,
      'GET',
      '/jobs/work/tasks/grows/files/stdout.txt',
      {
        headers: { 'ocp-range': 'bytes=4-' },
      },
    );
    expect(part).toMatchObject({ status: 200, text: 'two\n' });
    const sent = await guest.client.computeNode.uploadBatchServiceLogs('guests', guest.nodeId, {
      containerUrl: `${guest.storage}/box`,
      startTime: new Date(0),
    });
    expect(sent.numberOfFilesUploaded).toBeGreaterThan(0);
  });

  it('prepares for a job once, and releases it at its end', async () => {
    const job = {
      id: 'framed',
      poolInfo: { poolId: 'guests' },
      commonEnvironmentSettings: [{ name: 'COMMON', value: 'shared' }],
      jobPreparationTask: { commandLine: sh('echo $COMMON > data') },
      jobReleaseTask: {
        commandLine: sh(
          'cat $AZ_BATCH_JOB_PREP_WORKING_DIR/data > $AZ_BATCH_NODE_SHARED_DIR/released',
        ),
      },
    };
    await guest.client.job.add(job);
    await guest.client.task.add('framed', {
      id: 'reads',
      commandLine: sh('cat $AZ_BATCH_JOB_PREP_WORKING_DIR/data'),
    });
    await guest.until(
      'its task',
      async () => (await guest.client.task.get('framed', 'reads')).executionInfo?.exitCode === 0,
    );
    await guest.client.job.terminate('framed');
    await guest.until(
      'the end of the job',
      async () => (await guest.client.job.get('framed')).state === 'completed',
    );
    const [status] = await guest.client.job.listPreparationAndReleaseTaskStatus('framed');
    expect(status).toMatchObject({
      nodeId: guest.nodeId,
      jobPreparationTaskExecutionInfo: { exitCode: 0, result: 'success' },
      jobReleaseTaskExecutionInfo: { exitCode: 0, result: 'success' },
    });
    expect((await run('released', 'cat $AZ_BATCH_NODE_SHARED_DIR/released')).output).toBe(
      'shared\n',
    );
  });

  it('after a reboot has its mount and certificate again, runs the start task once more, and keeps its files, the newest too', async () => {
    await run('last', 'echo last > $AZ_BATCH_NODE_SHARED_DIR/last; echo last said');
    await guest.client.computeNode.reboot('guests', guest.nodeId);
    await guest.until(
      'the node to leave',
      async () => (await guest.client.computeNode.get('guests', guest.nodeId)).state !== 'idle',
    );
    expect((await guest.idle()).startTaskInfo).toMatchObject({ exitCode: 0, retryCount: 0 });
    const { output } = await run(
      'after',
      'cd $AZ_BATCH_NODE_SHARED_DIR; cat starts last $AZ_BATCH_NODE_MOUNTS_DIR/data/file; cat ../workitems/work/job-1/last/stdout.txt',
    );
    expect(output).toBe('began\nbegan\nlast\nshared\nlast said\n');
  }, 600_000);
});
