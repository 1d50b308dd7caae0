import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pause } from './world.js';
import type { Run } from './throughput.js';

const PROGRAMS = new URL('../peers/', import.meta.url).pathname;
const POSTGRES = '/usr/lib/postgresql/15/bin';

interface PeerRun extends Run {
  /** Jobs a second, 1,000 a call, before any ran. */
  addRate: number;
}

export interface Peers {
  /** `waiting`: jobs behind those that are to complete. */
  contestants(tasks: number, waiting?: number): Record<string, () => Promise<PeerRun>>;
  close(): Promise<void>;
}

/** Those that are there: the packages in bench/peers, and the servers of Debian, each on a folder of its own. */
export async function openPeers(): Promise<Peers> {
  if (!existsSync(join(PROGRAMS, 'node_modules'))) {
    console.error('bench: no peers: npm install --prefix bench/peers');
    return { contestants: () => ({}), close: () => Promise.resolve() };
  }
  const folder = mkdtempSync(join(tmpdir(), 'batchyard-bench-peers-'));
  chmodSync(folder, 0o755);
  const servers: ChildProcess[] = [];
  const postgres = await startPostgres(folder, servers);
  const redis = await startRedis(folder, servers);
  return {
    contestants: (tasks, waiting = 0) => ({
      ...(postgres && {
        'graphile/worker, one by one': () =>
          measure('graphile.mjs', postgres, tasks, waiting, 'single'),
        'graphile/worker, batched': () =>
          measure('graphile.mjs', postgres, tasks, waiting, 'batched'),
      }),
      ...(redis && {
        'BullMQ, appendfsync always': () => measure('bullmq.mjs', redis, tasks, waiting, ''),
      }),
    }),
    async close() {
      for (const server of servers) await end(server);
      rmSync(folder, { recursive: true });
    },
  };
}

/** A peer's program prints one line of JSON when every result can be read back. */
function measure(
  program: string,
  where: string,
  tasks: number,
  waiting: number,
  mode: string,
): Promise<PeerRun> {
  return new Promise((resolve, reject) => {
    const words = [join(PROGRAMS, program), where, String(tasks), String(waiting), mode];
    const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(JSON.parse(output) as PeerRun);
      else reject(new Error(`${program} ended with ${String(code)}`));
    });
  });
}

async function startPostgres(folder: string, servers: ChildProcess[]): Promise<string | undefined> {
  if (!existsSync(join(POSTGRES, 'postgres'))) {
    console.error('bench: no graphile/worker: apt-get install postgresql');
    return undefined;
  }
  const data = join(folder, 'postgres');
  mkdirSync(data, { mode: 0o700 });
  // PostgreSQL refuses to be root.
  const isRoot = process.getuid?.() === 0;
  const as = isRoot ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--init-groups'] : [];
  if (isRoot) spawnSync('chown', ['postgres:postgres', data]);
  const [program = '', ...init] = [...as, join(POSTGRES, 'initdb'), '-D', data, '-A', 'trust'];
  const made = spawnSync(program, [...init, '-U', 'bench'], { encoding: 'utf8', cwd: folder });
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);
  const port = await freePort();
  // Its own defaults are durable (synchronous_commit on); memory as its guide has it for a small server.
  const set = ['-c', 'shared_buffers=512MB', '-c', 'max_wal_size=4GB', '-k', ''];
  const [postgres = '', ...flags] = [...as, join(POSTGRES, 'postgres'), '-D', data, '-p', port];
  const options = { stdio: 'ignore', cwd: folder } as const;
  servers.push(spawn(postgres, [...flags, '-h', '127.0.0.1', ...set], options));
  await listening(port);
  await pause(1_000); // it accepts connections somewhat later than it listens
  return `postgres://bench@127.0.0.1:${port}/postgres`;
}

async function startRedis(folder: string, servers: ChildProcess[]): Promise<string | undefined> {
  if (spawnSync('redis-server', ['--version']).error) {
    console.error('bench: no BullMQ: apt-get install redis-server');
    return undefined;
  }
  const port = await freePort();
  const durable = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', ''];
  const where = ['--dir', folder, '--bind', '127.0.0.1', '--maxmemory-policy', 'noeviction'];
  servers.push(spawn('redis-server', ['--port', port, ...where, ...durable], { stdio: 'ignore' }));
  await listening(port);
  return port;
}

function freePort(): Promise<string> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => {
        resolve(String(port));
      });
    });
  });
}

async function listening(port: string): Promise<void> {
  for (let turn = 0; turn < 100; turn += 1) {
    if (spawnSync('bash', ['-c', `exec 3<>/dev/tcp/127.0.0.1/${port}`]).status === 0) return;
    await pause(100);
  }
  throw new Error(`nothing listens on port ${port} after 10 s`);
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGINT');
  await ended;
}
