import { execFile, execFileSync, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BatchServiceClient } from '@azure/batch';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { batchClient } from '../support/client.js';
import { NetworkNamespace, namespaceRequirement } from '../support/network-namespace.js';
import {
  ensureImage,
  libvirtRequirement,
  programs,
  requirement,
  RICH_IMAGE,
  suite,
} from '../support/requirements.js';
import { SecondLibvirtd } from '../support/second-libvirtd.js';
import { signedRequest } from '../support/signed-request.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';
import { tempDirectory } from '../support/temp-dir.js';
import { waitFor } from '../support/wait-for.js';
import { consolesOf, filesOf } from './domains.js';

/** Four guests, on cores that may have other work. */
const BOOT_TIMEOUT_MS = 280_000;
const NETWORK = { address: '192.168.150.1', own: /^192\.168\.150\.\d+$/ };
const SUBNETS =
  '/subscriptions/0/resourceGroups/lab/providers/Microsoft.Network/virtualNetworks/lab/subnets';
/** Behind an endpoint of the pools, behind one that is not for the host, and behind none. */
const OPEN_PORT = 7000;
const CHOSEN_PORT = 7001;
const SHUT_PORT = 9000;
const PORTS = [OPEN_PORT, CHOSEN_PORT, SHUT_PORT];
/** Answers whoever connects to one of the ports. */
const LISTEN = `for port in ${PORTS.join(' ')}; do perl -MIO::Socket::INET -e '
  $| = 1; $at = IO::Socket::INET->new(LocalPort => shift, Listen => 5, ReuseAddr => 1) or die $!; print "ready\n";
  while ($one = $at->accept) { print $one "port ", $at->sockport, "\n"; close $one }' $port & done; wait`;
/** What is heard at each port, or the status: 124 where packets are dropped and the time is over, 1 where nobody listens. */
const HEAR = (address: string, ports: readonly number[]) =>
  `for port in ${ports.join(' ')}; do (timeout 15 bash -c 'exec 3<>/dev/tcp/${address}/'$port' && head -n 1 <&3' 2>/dev/null || echo "port $port: $?") & done; wait`;
const dropped = (port: number) => `port ${String(port)}: 124`;

const needs = [
  await libvirtRequirement(),
  await namespaceRequirement(),
  await requirement(
    'Open MPI with its compiler',
    () => programs('mpicc', 'gcc', 'ssh', 'ssh-keygen'),
    'apt-get install -y --no-install-recommends build-essential libopenmpi-dev openssh-client',
  ),
];

interface Node {
  id: string;
  address: string;
}

const hostName = ({ id }: Node) => id.slice(0, 22).replace('_', '-');
const answer = (port: number) => `port ${String(port)}`;
const lines = (text: string) => text.trim().split('\n').sort();

suite('VM nodes on a libvirt network', needs, () => {
  const folder = tempDirectory('networks');
  const at = (...names: string[]) => join(folder.path, ...names);
  let namespace: NetworkNamespace;
  let libvirtd: SecondLibvirtd;
  let controller: StartedController;
  /** Where this process reaches the controller. */
  let near: { url: string; account: string; key: string };
  let client: BatchServiceClient;
  /** Nodes of the pool that asked for communication between nodes, and of the one that did not. */
  let together: [Node, Node];
  let apart: [Node, Node];
  let rebootedAt = 0;

  beforeAll(async () => {
    const manifest = ensureImage(RICH_IMAGE);
    execFileSync('mpicc', ['-o', at('hello'), join(import.meta.dirname, 'mpi', 'hello.c')]);
    for (const whose of ['people', 'nodes'])
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at(whose)]);
    const unknownHosts = 'StrictHostKeyChecking no\nUserKnownHostsFile /dev/null\nLogLevel ERROR';
    writeFileSync(
      at('ssh_config'),
      `User ada\nPort 22\nIdentityFile ${at('people')}\nBatchMode yes\nConnectTimeout 60\n${unknownHosts}\n`,
    );
    namespace = NetworkNamespace.create();
    libvirtd = await SecondLibvirtd.start(at('libvirtd'), namespace.before);
    writeFileSync(
      at('network.xml'),
      `<network><name>lab</name><forward mode='nat'/><bridge name='lab0'/><ip address='${NETWORK.address}' netmask='255.255.255.0'>
        <dhcp><range start='192.168.150.10' end='192.168.150.99'/></dhcp></ip></network>`,
    );
    libvirtd.virsh('net-create', at('network.xml'));
    const local = {
      ...{ uri: libvirtd.uri, diskDirectory: at('disks'), domainType: 'qemu' },
      overCommit: { vcpus: 16 },
    };
    controller = await startController({
      before: namespace.before,
      listen: `${NETWORK.address}:0`,
      configuration: { images: [{ manifest }], hypervisors: [{ name: 'test', ...local }] },
    });
    const { account, key, url } = controller;
    near = { account, key, url: await namespace.relay(url) };
    client = batchClient(near);
  }, 600_000);

  afterAll(async () => {
    await controller?.stop();
    await libvirtd?.stop();
    await namespace?.end();
    folder.remove();
  }, 120_000);

  const onNetwork = (network: string) => ({
    vmSize: 'batchyard_small',
    targetDedicatedNodes: 2,
    virtualMachineConfiguration: {
      imageReference: {
        publisher: 'batchyard',
        offer: 'debian',
        sku: RICH_IMAGE.sku,
        version: 'latest',
      },
      nodeAgentSKUId: 'batch.node.debian 12',
      resumedNodes: true,
    },
    networkConfiguration: {
      subnetId: `${SUBNETS}/${network}`,
      endpointConfiguration: {
        inboundNATPools: [
          {
            ...{ name: 'open', protocol: 'tcp', backendPort: OPEN_PORT },
            ...{ frontendPortRangeStart: 60_000, frontendPortRangeEnd: 60_099 },
          },
          {
            ...{ name: 'chosen', protocol: 'tcp', backendPort: CHOSEN_PORT },
            ...{ frontendPortRangeStart: 60_100, frontendPortRangeEnd: 60_199 },
            networkSecurityGroupRules: [
              { priority: 300, access: 'allow', sourceAddressPrefix: 'VirtualNetwork' },
              { priority: 200, access: 'deny', sourceAddressPrefix: NETWORK.address },
            ],
          },
        ],
      },
    },
  });

  /** Past the official client, which leaves out what it does not know. */
  async function addPool(pool: object): Promise<void> {
    const added = await signedRequest(near, 'POST', '/pools', { body: JSON.stringify(pool) });
    expect(added.status, added.text).toBe(201);
  }

  async function idle(poolId: string): Promise<[Node, Node]> {
    const nodes = await waitFor(
      `two nodes of ${poolId} to be idle`,
      async () => {
        const { resizeErrors } = await client.pool.get(poolId);
        if (resizeErrors?.[0] !== undefined) throw new Error(JSON.stringify(resizeErrors));
        const found = await client.computeNode.list(poolId);
        return found.length === 2 && found.every(({ state }) => state === 'idle') && found;
      },
      { timeoutMs: BOOT_TIMEOUT_MS, intervalMs: 200 },
    ).catch((error: unknown) => {
      const logs = `${consolesOf(at('disks'))}\n${controller.logs().slice(-3000)}`;
      throw new Error(`${String(error)}\n${logs}`, { cause: error });
    });
    return nodes.map(({ id = '', ipAddress = '' }) => ({ id, address: ipAddress })) as [Node, Node];
  }

  /** A person's way in, from beside the nodes. */
  const ssh = (to: Node) => [...namespace.before, 'ssh', '-F', at('ssh_config'), to.address];

  /** What the program printed; its last words where it failed. */
  const said = ([command = '', ...args]: string[]) =>
    new Promise<string>((resolve) => {
      execFile(command, args, { timeout: 120_000 }, (error, stdout, stderr) => {
        resolve(error === null ? stdout : `failed (${String(error.code)}): ${stderr}`);
      });
    });

  const heard = async (from: Node, to: Node, ports: readonly number[] = PORTS) =>
    lines(await said([...ssh(from), HEAR(to.address, ports)]));
  const heardByHost = async (to: Node, ports: readonly number[] = PORTS) =>
    lines(await said([...namespace.before, 'sh', '-c', HEAR(to.address, ports)]));

  /** Listens at all ports of the node until the connection ends with the namespace. */
  async function listen(node: Node): Promise<void> {
    const [command = '', ...args] = [...ssh(node), LISTEN];
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (part: Buffer) => {
      text += String(part);
    });
    await waitFor('a program at each port', () => text === 'ready\n'.repeat(3), {
      timeoutMs: 120_000,
    });
  }

  it('call home from there, resumed from one memory image, each by an address of its own', async () => {
    const sshPrivateKey = readFileSync(at('nodes'), 'utf8');
    await addPool({ id: 'apart', ...onNetwork('lab') });
    await addPool({
      id: 'together',
      ...onNetwork('lab'),
      enableInterNodeCommunication: true,
      userAccounts: [
        {
          ...{ name: 'mpi', password: 'Not-for-1-login', elevationLevel: 'nonadmin' },
          linuxUserConfiguration: { uid: 5000, gid: 5000, sshPrivateKey },
        },
      ],
    });
    apart = await idle('apart');
    together = await idle('together');
    const addresses = [...apart, ...together].map(({ address }) => address);
    for (const address of addresses) expect(address).toMatch(NETWORK.own);
    expect(new Set(addresses).size).toBe(4);
    expect(controller.logs()).not.toContain('could not be resumed');
  }, 600_000);

  it('let people in by ssh at the address and port that the API tells', async () => {
    const sshPublicKey = readFileSync(at('people.pub'), 'utf8').trim();
    const logIn = async (poolId: string, node: Node) => {
      await client.computeNode.addUser(poolId, node.id, { name: 'ada', sshPublicKey });
      const { remoteLoginIPAddress, remoteLoginPort } =
        await client.computeNode.getRemoteLoginSettings(poolId, node.id);
      expect([remoteLoginIPAddress, remoteLoginPort]).toEqual([node.address, 22]);
      const name = hostName(node);
      const seen = await said([...ssh(node), 'uname -n; hostname -I; getent hosts $(uname -n)']);
      expect(seen.split(/\s+/)).toEqual([name, node.address, node.address, name, '']);
    };
    await Promise.all([
      ...apart.map((node) => logIn('apart', node)),
      ...together.map((node) => logIn('together', node)),
    ]);
  });

  it('reach each other at any port where their pool asked for it', async () => {
    const [one, other] = together;
    await listen(one);
    expect(await heard(other, one)).toEqual(PORTS.map(answer));
  });

  it('are shut to each other and to the host but for ssh and endpoints where it did not', async () => {
    const [one, other] = apart;
    await listen(one);
    const [fromNode, fromHost, fromItself] = await Promise.all([
      heard(other, one),
      heardByHost(one),
      heard(one, one),
    ]);
    expect(fromNode).toEqual([answer(OPEN_PORT), answer(CHOSEN_PORT), dropped(SHUT_PORT)]);
    expect(fromHost).toEqual([answer(OPEN_PORT), dropped(CHOSEN_PORT), dropped(SHUT_PORT)]);
    // Programs at all of them answer.
    expect(fromItself).toEqual(PORTS.map(answer));
    expect(await heard(other, one, [22])).toEqual([expect.stringMatching(/^SSH-2.0/)]);
    const { endpointConfiguration } = await client.computeNode.get('apart', one.id);
    expect(endpointConfiguration?.inboundEndpoints).toMatchObject(
      [OPEN_PORT, CHOSEN_PORT, 22].map((port) => ({
        ...{ publicIPAddress: one.address, frontendPort: port, backendPort: port },
      })),
    );
    rebootedAt = Date.now();
    await client.computeNode.reboot('apart', one.id);
  });

  it('run one MPI program together', async () => {
    const put = (path: string, body?: Buffer) =>
      fetch(`${near.url}/storage/${near.account}/${path}`, {
        method: 'PUT',
        headers: {
          authorization: `Bearer ${controller.adminToken}`,
          'x-ms-blob-type': 'BlockBlob',
        },
        ...(body && { body }),
      });
    await put('mpi?restype=container');
    await put('mpi/run.sh', readFileSync(join(import.meta.dirname, '../../examples/mpi/run.sh')));
    await put('hello?restype=container');
    await put('hello/hello', readFileSync(at('hello')));
    await client.job.add({ id: 'mpi', poolInfo: { poolId: 'together' } });
    await client.task.add('mpi', {
      id: 'hello',
      commandLine: '/bin/sh -c "sh run.sh ./hello"',
      userIdentity: { userName: 'mpi' },
      resourceFiles: [{ autoStorageContainerName: 'mpi' }],
      multiInstanceSettings: {
        numberOfInstances: 2,
        coordinationCommandLine: 'mpirun --version',
        commonResourceFiles: [{ autoStorageContainerName: 'hello', fileMode: '0755' }],
      },
    });
    const { executionInfo } = await waitFor(
      'the task to complete',
      async () => {
        const task = await client.task.get('mpi', 'hello');
        return task.state === 'completed' && task;
      },
      { timeoutMs: 200_000, intervalMs: 200 },
    );
    const text = async (name: string) => {
      const { readableStreamBody } = await client.file.getFromTask('mpi', 'hello', name);
      let read = '';
      for await (const part of readableStreamBody ?? []) read += String(part);
      return read;
    };
    expect(executionInfo?.exitCode, await text('stderr.txt')).toBe(0);
    const ranks = lines(await text('stdout.txt')).filter((line) => line.startsWith('rank'));
    const hosts = ranks.map((line) => / on ([\w-]+):/.exec(line)?.[1]);
    expect(new Set(hosts)).toEqual(new Set(together.map(hostName)));
    expect(ranks.map((line) => line.replace(/ on [\w-]+/, ''))).toEqual(
      [0, 1, 2, 3].map(
        (rank) => `rank ${String(rank)} of 4: ${String((rank + 3) % 4)} came round, the sum is 6`,
      ),
    );
  });

  it('keep their address and their rules when they boot', async () => {
    const [one] = apart;
    expect(await idle('apart')).toEqual(apart);
    const { lastBootTime } = await client.computeNode.get('apart', one.id);
    expect(lastBootTime?.getTime()).toBeGreaterThan(rebootedAt);
    expect(await heardByHost(one, [SHUT_PORT])).toEqual([dropped(SHUT_PORT)]);
  });

  it('are refused on a network that there is not, with the names of those that there are', async () => {
    await addPool({ id: 'elsewhere', ...onNetwork('labb') });
    const { resizeErrors } = await waitFor('the refusal', async () => {
      const pool = await client.pool.get('elsewhere');
      return pool.resizeErrors?.[0] !== undefined && pool;
    });
    expect(resizeErrors?.[0]?.code).toBe('AllocationFailed');
    expect(JSON.stringify(resizeErrors?.[0]?.values)).toMatch(/'labb'.*\(there are: lab\)/);
  });

  it('leave nothing when their pools are deleted', async () => {
    for (const id of ['apart', 'together', 'elsewhere']) await client.pool.deleteMethod(id);
    await waitFor('the pools to be gone', async () => (await client.pool.list()).length === 0, {
      timeoutMs: 60_000,
    });
    expect(libvirtd.domains()).toEqual([]);
    expect(filesOf(at('disks'))).toEqual([]);
  });
});
