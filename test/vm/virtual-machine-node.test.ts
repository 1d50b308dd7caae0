import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BatchServiceClient, BatchServiceModels } from '@azure/batch';
import forge from 'node-forge';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LibvirtNodeProvider } from '../../controller/effects/nodes/libvirt/libvirt-provider.js';
import type { LibvirtImage } from '../../controller/effects/nodes/libvirt/libvirt-provider.js';
import { nodeProviderContract, specification } from '../contract/node-provider.js';
import { batchClient } from '../support/client.js';
import { ensureImage, ensureLibvirtd, libvirtRequirement, suite } from '../support/requirements.js';
import { signedRequest } from '../support/signed-request.js';
import type { StartedController } from '../support/start-controller.js';
import { tempDirectory } from '../support/temp-dir.js';
import { waitFor } from '../support/wait-for.js';
import { consolesOf, destroyDomainsOf, domainsOf, filesOf } from './domains.js';
import { VmController } from './vm-controller.js';

const PASSWORD = 'of-the-test';
const SUBJECT = 'node-certificate.batchyard.test';
/** A guest boots in about ten seconds on two idle cores; here it may share them with everything else. */
const BOOT_TIMEOUT_MS = 240_000;

interface TestCertificate {
  thumbprint: string;
  pfx: string;
}

function selfSigned(): TestCertificate {
  const keys = forge.pki.rsa.generateKeyPair(2048);
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = keys.publicKey;
  certificate.serialNumber = '01';
  certificate.validity.notAfter = new Date(Date.now() + 86_400_000);
  const name = [{ name: 'commonName', value: SUBJECT }];
  certificate.setSubject(name);
  certificate.setIssuer(name);
  certificate.sign(keys.privateKey, forge.md.sha256.create());
  const der = forge.asn1.toDer(forge.pki.certificateToAsn1(certificate)).getBytes();
  const thumbprint = forge.md.sha1.create().update(der).digest().toHex();
  const asn1 = forge.pkcs12.toPkcs12Asn1(keys.privateKey, certificate, PASSWORD, {
    algorithm: '3des',
  });
  return { thumbprint, pfx: forge.util.encode64(forge.asn1.toDer(asn1).getBytes()) };
}

async function text(response: BatchServiceModels.FileGetFromTaskResponse): Promise<string> {
  let read = '';
  for await (const chunk of response.readableStreamBody ?? []) read += String(chunk);
  return read;
}

const libvirt = await libvirtRequirement();

suite('a pool of one libvirt VM', [libvirt], () => {
  let vms: VmController;
  const certificate = selfSigned();
  let controller: StartedController;
  let client: BatchServiceClient;

  beforeAll(async () => {
    vms = await VmController.start('vm');
    ({ controller } = vms);
    client = batchClient(controller);
  }, 300_000);

  afterAll(() => vms.stop(), 60_000);

  it('boots, has its certificate before its start task, and becomes idle', async () => {
    await client.certificate.add({
      thumbprint: certificate.thumbprint,
      thumbprintAlgorithm: 'sha1',
      data: certificate.pfx,
      certificateFormat: 'pfx',
      password: PASSWORD,
    });
    const file = `$AZ_BATCH_CERTIFICATES_DIR/sha1-${certificate.thumbprint}.pfx`;
    await client.pool.add({
      id: 'vms',
      vmSize: 'batchyard_small',
      targetDedicatedNodes: 1,
      virtualMachineConfiguration: {
        imageReference: { publisher: 'batchyard', offer: 'debian', sku: '12', version: 'latest' },
        nodeAgentSKUId: 'batch.node.debian 12',
        dataDisks: [{ lun: 3, diskSizeGB: 1 }],
      },
      certificateReferences: [
        {
          thumbprint: certificate.thumbprint,
          thumbprintAlgorithm: 'sha1',
          visibility: ['starttask', 'task'],
        },
      ],
      startTask: {
        commandLine: `/bin/sh -c 'openssl pkcs12 -in "${file}" -passin "file:${file}.pw" -nokeys | openssl x509 -noout -subject > "$AZ_BATCH_NODE_SHARED_DIR/subject"'`,
        waitForSuccess: true,
      },
    });
    const node = await waitFor(
      'the VM node to become idle',
      async () => {
        const [first] = await client.computeNode.list('vms');
        const failure = first?.startTaskInfo?.failureInfo ?? first?.errors?.[0];
        if (failure !== undefined) throw new Error(`the node failed: ${JSON.stringify(failure)}`);
        const { resizeErrors } = await client.pool.get('vms');
        if (resizeErrors?.[0] !== undefined) throw new Error(JSON.stringify(resizeErrors[0]));
        return first?.state === 'idle' ? first : undefined;
      },
      { timeoutMs: BOOT_TIMEOUT_MS, intervalMs: 500 },
    ).catch(vms.explain);
    expect(node.startTaskInfo?.exitCode).toBe(0);
    expect(domainsOf(vms.folder)).toHaveLength(1);
  });

  it('runs a task with the certificate, and its files can be read', async () => {
    await client.job.add({ id: 'work', poolInfo: { poolId: 'vms' } });
    await client.task.add('work', {
      id: 'look',
      commandLine: `/bin/sh -c 'uname -n; cat "$AZ_BATCH_NODE_SHARED_DIR/subject"; ls "$AZ_BATCH_CERTIFICATES_DIR"; echo made > made.txt'`,
    });
    const task = await waitFor(
      'the task to complete',
      async () => {
        const seen = await client.task.get('work', 'look');
        return seen.state === 'completed' ? seen : undefined;
      },
      { timeoutMs: 60_000, intervalMs: 200 },
    );
    expect(task.executionInfo?.failureInfo).toBeUndefined();
    expect(task.executionInfo?.exitCode).toBe(0);
    const output = await text(await client.file.getFromTask('work', 'look', 'stdout.txt'));
    expect(output).toMatch(/^tvmps-[0-9a-f]{16}$/m);
    expect(output).toContain(SUBJECT);
    expect(output).toContain(`sha1-${certificate.thumbprint}.pfx`);
    expect(await text(await client.file.getFromTask('work', 'look', 'wd/made.txt'))).toBe('made\n');
  });

  it('counts processor time, memory and I/O of a task with all that it starts, and ends the last of it', async () => {
    const MIB = 2 ** 20;
    const script = [
      'sleep 0.2',
      // No session, environment or parent of the task's: the control group alone finds it.
      'env -i /usr/bin/setsid /bin/sleep 4711 & sleep 0.2',
      'i=0; while [ $i -lt 5000 ]; do i=$((i+1)); done',
      // tail keeps a line that has no end in memory.
      'head -c 32M /dev/zero | tail -n 1 | wc -c',
      'dd if=/dev/zero of=written bs=1M count=16 oflag=direct',
      'dd if=written of=/dev/null bs=1M iflag=direct',
      'cat /proc/self/cgroup',
    ].join('; ');
    await client.task.add('work', { id: 'used', commandLine: `/bin/sh -c '${script}'` });
    const task = await ended('used');
    const output = await text(await client.file.getFromTask('work', 'used', 'stdout.txt'));
    expect([task.executionInfo?.exitCode, output]).toEqual([0, expect.stringMatching(/^0::.+/m)]);
    const path = '/jobs/work/tasks/used/attempts';
    const { value } = JSON.parse((await signedRequest(controller, 'GET', path)).text) as {
      value: { statistics: Record<string, string | number> }[];
    };
    const used = value[0]?.statistics ?? {};
    expect(used.userCPUTime).toMatch(/^PT\d/);
    expect(Number(used.peakMemoryBytes)).toBeGreaterThan(32 * MIB);
    expect(Number(used.writeIOGiB) * 1024).toBeGreaterThanOrEqual(16);
    expect(Number(used.readIOGiB) * 1024).toBeGreaterThanOrEqual(16);
    expect(Number(used.readIOps)).toBeGreaterThan(0);
    expect(Number(used.writeIOps)).toBeGreaterThan(0);
    const stats = (await client.task.get('work', 'used', { taskGetOptions: { expand: 'stats' } }))
      .stats;
    expect(Number(stats?.writeIOGiB) * 1024).toBeGreaterThanOrEqual(16);
    const look = `/bin/sh -c 'until ! cat /proc/[0-9]*/comm | grep -qx sleep; do sleep 0.2; done'`;
    await client.task.add('work', { id: 'left', commandLine: look });
    expect((await ended('left')).executionInfo?.exitCode).toBe(0);
  });

  const ended = (taskId: string) =>
    waitFor(
      `${taskId} to complete`,
      async () => {
        const task = await client.task.get('work', taskId);
        return task.state === 'completed' && task;
      },
      { timeoutMs: BOOT_TIMEOUT_MS },
    );

  it('sees the data disk of its pool, empty and with the number of its lun', async () => {
    await client.task.add('work', {
      id: 'disk',
      commandLine: `/bin/sh -c 'cat /sys/block/vdc/size /sys/block/vdc/serial; head -c 4096 /dev/vdc | tr -d "\\000" | wc -c'`,
      userIdentity: { autoUser: { elevationLevel: 'admin' } },
    });
    await waitFor(
      'the task to complete',
      async () => (await client.task.get('work', 'disk')).state === 'completed',
      { timeoutMs: 60_000, intervalMs: 200 },
    );
    const output = await text(await client.file.getFromTask('work', 'disk', 'stdout.txt'));
    expect(output).toMatch(/^2097152\nlun-3\s*0\n$/);
  });

  it('lets a user of the node in by ssh, at the address and port that it tells', async () => {
    const key = join(vms.folder, 'key');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    const [node] = await client.computeNode.list('vms');
    const nodeId = node?.id ?? '';
    await client.computeNode.addUser('vms', nodeId, {
      name: 'ada',
      sshPublicKey: readFileSync(`${key}.pub`, 'utf8').trim(),
    });
    const { remoteLoginIPAddress, remoteLoginPort } =
      await client.computeNode.getRemoteLoginSettings('vms', nodeId);
    expect(remoteLoginIPAddress).toBe('127.0.0.1');
    let refusal = '';
    const said = await waitFor(
      'ssh to let the user in',
      () => {
        const tried = spawnSync('ssh', [
          ...['-i', key, '-p', String(remoteLoginPort), '-o', 'BatchMode=yes'],
          ...['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null'],
          ...['-o', 'ConnectTimeout=60', `ada@${remoteLoginIPAddress}`, 'id -un; uname -n'],
        ]);
        refusal = tried.stderr.toString();
        return tried.status === 0 && tried.stdout.toString();
      },
      { timeoutMs: 120_000, intervalMs: 500 },
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}: ${refusal}\n${consolesOf(vms.disks)}`, { cause: error });
    });
    expect(said).toMatch(/^ada\ntvmps-[0-9a-f]{16}\n$/);
    const seen = await client.computeNode.get('vms', nodeId);
    expect(seen.endpointConfiguration?.inboundEndpoints).toEqual([
      expect.objectContaining({ frontendPort: remoteLoginPort, backendPort: 22 }),
    ]);
  });

  it('shows its seed to nobody on the host', () => {
    const qemu = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line.includes(vms.folder));
    expect(qemu.length).toBeGreaterThan(0);
    expect(qemu.join('\n')).not.toMatch(/token|secret":|credential:/);
  });

  it('leaves nothing in libvirt and on the disk when its pool is deleted', async () => {
    await client.job.deleteMethod('work');
    await client.pool.deleteMethod('vms');
    await waitFor('the pool to be gone', async () => !(await client.pool.exists('vms')).body, {
      timeoutMs: 60_000,
      intervalMs: 200,
    });
    expect(domainsOf(vms.folder)).toEqual([]);
    expect(filesOf(vms.disks)).toEqual([]);
  });
});

suite('the provider of libvirt nodes', [libvirt], () => {
  const folder = tempDirectory('vm-provider');
  let stopLibvirtd: (() => void) | undefined;
  nodeProviderContract(
    () => {
      // Opened more than once: only the first may have started it.
      stopLibvirtd ??= ensureLibvirtd();
      const { image } = JSON.parse(readFileSync(ensureImage(), 'utf8')) as { image: LibvirtImage };
      chmodSync(folder.path, 0o711);
      return Promise.resolve(
        new LibvirtNodeProvider(
          [{ name: 'test', uri: 'qemu:///system', domainType: 'qemu', network: 'user' }],
          {
            controllerId: folder.path,
            dataDirectory: folder.path,
            images: [{ ...image, ...specification('any').image }],
            agent: {
              node: process.execPath,
              bundle: join(import.meta.dirname, '../../dist/agent.mjs'),
            },
            log: { info: () => undefined, warn: () => undefined, error: () => undefined },
          },
        ),
      );
    },
    () => {
      destroyDomainsOf(folder.path);
      stopLibvirtd?.();
      folder.remove();
      return Promise.resolve();
    },
  );
});
