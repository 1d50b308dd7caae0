import type { BatchServiceClient, ComputeNode, TaskAddParameter } from '@azure/batch';
import { BlockBlobClient } from '@azure/storage-blob';
import forge from 'node-forge';
import { makeCertificate, type Certificate } from '../support/certificate.js';
import { batchClient, managementClient } from '../support/client.js';
import { sh } from '../support/process-pool.js';
import { signedRequest } from '../support/signed-request.js';
import type { StartedController } from '../support/start-controller.js';
import { StartedNfsServer } from '../support/started-nfs-server.js';
import { waitFor } from '../support/wait-for.js';
import { makeZip } from '../support/zip.js';
import { VmController } from './vm-controller.js';

const BOOT_TIMEOUT_MS = 400_000;
const STEP_TIMEOUT_MS = 120_000;
/** Of each transfer of the guest; not what agents do by themselves. */
export const TRIES = 7;
export const SECRET = 'for the start task alone';

/** What only the holder of the certificate's key can read. */
function seal(certificate: Certificate): string {
  const der = forge.util.decode64(certificate.cer);
  const { publicKey } = forge.pki.certificateFromAsn1(forge.asn1.fromDer(der));
  return forge.util.encode64((publicKey as forge.pki.rsa.PublicKey).encrypt(SECRET));
}

/** Notes its run, looks for its mount, and opens the secret with its certificate. */
function startScript({ thumbprint }: Certificate): string {
  const pfx = `$AZ_BATCH_CERTIFICATES_DIR/sha1-${thumbprint}.pfx`;
  return [
    'set -e',
    'echo began >> $AZ_BATCH_NODE_SHARED_DIR/starts',
    'mountpoint -q $AZ_BATCH_NODE_MOUNTS_DIR/data',
    `openssl pkcs12 -in ${pfx} -passin file:${pfx}.pw -nodes -nocerts -out key`,
    'echo $SEALED | base64 -d | openssl pkeyutl -decrypt -inkey key -out $AZ_BATCH_NODE_SHARED_DIR/opened',
    'rm key',
  ].join('; ');
}

/** A pool of one VM that has all that a pool can give its nodes, and a job in it. */
export class Guest {
  readonly certificate = makeCertificate('guest');
  nodeId = '';

  private constructor(
    readonly controller: StartedController,
    readonly client: BatchServiceClient,
    private readonly nfs: StartedNfsServer,
    private readonly vms: VmController,
  ) {}

  static async start(): Promise<Guest> {
    const vms = await VmController.start('vm-agent', {
      tls: true,
      configuration: {
        transfers: `triesMax=${String(TRIES)},retryMs=5`,
        // A guest under emulation on a busy machine may stand still for longer than the usual lease.
        leases: { heartbeatInterval: 'PT5S', lease: 'PT5M', grace: 'PT10S' },
      },
    });
    const { controller } = vms;
    return new Guest(controller, batchClient(controller), await StartedNfsServer.start(), vms);
  }

  async stop(): Promise<void> {
    await this.vms.stop();
    await this.nfs.stop();
  }

  /** Application `Say-it`, version 1.0: a program `say`. */
  async deployPackage(): Promise<void> {
    const { controller } = this;
    const arm = managementClient(controller);
    const [group, account, id, version] = ['batchyard', controller.account, 'Say-it', '1.0'];
    await arm.applicationOperations.create(group, account, id);
    const packages = arm.applicationPackageOperations;
    const { storageUrl = '' } = await packages.create(group, account, id, version);
    const content = '#!/bin/sh\necho packed $1\n';
    const zip = makeZip([{ name: 'say', content, mode: 0o100755 }]);
    const plain = storageUrl.replace(controller.tlsUrl ?? '', controller.url);
    await new BlockBlobClient(plain).upload(zip, zip.length);
    await packages.activate(group, account, id, version, { format: 'zip' });
  }

  async addPool(): Promise<void> {
    const { client, certificate, nfs } = this;
    const { thumbprint } = certificate;
    const password = 'of-the-test';
    await client.certificate.add({
      thumbprint,
      thumbprintAlgorithm: 'sha1',
      data: certificate.pfx(password),
      certificateFormat: 'pfx',
      password,
    });
    await client.pool.add({
      id: 'guests',
      vmSize: 'batchyard_small',
      targetDedicatedNodes: 1,
      taskSlotsPerNode: 4,
      virtualMachineConfiguration: {
        imageReference: { publisher: 'batchyard', offer: 'debian', sku: '12', version: 'latest' },
        nodeAgentSKUId: 'batch.node.debian 12',
      },
      certificateReferences: [
        { thumbprint, thumbprintAlgorithm: 'sha1', visibility: ['starttask'] },
      ],
      userAccounts: [
        { name: 'jane', password: 'Jane-1', linuxUserConfiguration: { uid: 4321, gid: 4322 } },
        { name: 'boss', password: 'Boss-1', elevationLevel: 'admin' },
      ],
      mountConfiguration: [
        {
          nfsMountConfiguration: {
            // The host's loopback interface, as a guest's user-mode network sees it.
            source: '10.0.2.2:/data',
            relativeMountPath: 'data',
            mountOptions: `-o vers=4.2,port=${String(nfs.port)}`,
          },
        },
      ],
      startTask: {
        commandLine: sh(startScript(certificate)),
        environmentSettings: [{ name: 'SEALED', value: seal(certificate) }],
        waitForSuccess: true,
      },
    });
    await client.job.add({ id: 'work', poolInfo: { poolId: 'guests' } });
  }

  async idle(): Promise<ComputeNode> {
    const node = await waitFor(
      'the node to be idle',
      async () => {
        const [seen] = await this.client.computeNode.list('guests');
        const failure = seen?.startTaskInfo?.failureInfo ?? seen?.errors?.[0];
        if (failure !== undefined) throw new Error(JSON.stringify(failure));
        return seen?.state === 'idle' && seen;
      },
      { timeoutMs: BOOT_TIMEOUT_MS, intervalMs: 100 },
    ).catch(this.vms.explain);
    this.nodeId = node.id ?? '';
    return node;
  }

  get storage(): string {
    return `${this.controller.url}/storage/${this.controller.account}`;
  }

  /** A file of a task in the job `work`, or the stream that follows it, whole. */
  async text(path: string): Promise<string> {
    return (await signedRequest(this.controller, 'GET', `/jobs/work/tasks/${path}`)).text;
  }

  /** Waits for something that this guest, under emulation, needs its time for. */
  until<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
    return waitFor(what, look, { timeoutMs: STEP_TIMEOUT_MS, intervalMs: 50 });
  }

  async ended(id: string) {
    const task = await this.until(`the task ${id} to complete`, async () => {
      const seen = await this.client.task.get('work', id);
      return seen.state === 'completed' && seen;
    });
    return { ...task.executionInfo, output: await this.text(`${id}/files/stdout.txt`) };
  }

  async run(id: string, script: string, more: Partial<TaskAddParameter> = {}) {
    await this.client.task.add('work', { id, commandLine: sh(script), ...more });
    return this.ended(id);
  }
}
