import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { findMinio } from '../../scripts/minio.mjs';
import { freePort } from './free-port.js';
import { requirement } from './requirements.js';
import { tempDirectory } from './temp-dir.js';
import { waitFor } from './wait-for.js';

/** A real server on loopback with a folder of its own; what a controller's `storage` needs to use it. */
export interface ObjectServer<Settings> {
  readonly settings: Settings;
  stop(): Promise<void>;
}

export const minioRequirement = () =>
  requirement('MinIO', () => findMinio() !== undefined, 'node scripts/minio.mjs');

/** Holds one bucket: a folder of MinIO's disk is one as soon as it is there. */
export async function startMinio(): Promise<
  ObjectServer<{
    kind: 's3';
    endpoint: string;
    bucket: string;
    prefix: string;
    accessKeyId: string;
    secretAccessKey: string;
  }>
> {
  const program = findMinio();
  if (program === undefined) throw new Error('MinIO has not been built');
  const folder = tempDirectory('minio');
  mkdirSync(join(folder.path, 'data', 'bucket'), { recursive: true });
  const address = `127.0.0.1:${String(await freePort())}`;
  const [accessKeyId, secretAccessKey] = [secret(), secret()];
  const server = new Server(
    program,
    ['server', join(folder.path, 'data'), '--address', address, '--quiet', '--anonymous'],
    {
      MINIO_ROOT_USER: accessKeyId,
      MINIO_ROOT_PASSWORD: secretAccessKey,
      MINIO_BROWSER: 'off',
      HOME: folder.path,
    },
    folder.remove,
  );
  const endpoint = `http://${address}`;
  await server.ready(async () => (await fetch(`${endpoint}/minio/health/ready`)).ok);
  return {
    settings: {
      kind: 's3',
      endpoint,
      bucket: 'bucket',
      prefix: 'yard/',
      accessKeyId,
      secretAccessKey,
    },
    stop: () => server.stop(),
  };
}

export async function startAzurite(): Promise<
  ObjectServer<{ kind: 'azure-blob'; accountName: string; accountKey: string; endpoint: string }>
> {
  const folder = tempDirectory('azurite');
  const port = String(await freePort());
  const accountKey = randomBytes(64).toString('base64');
  const manifest = createRequire(import.meta.url).resolve('azurite/package.json');
  const server = new Server(
    process.execPath,
    [
      join(dirname(manifest), 'dist/src/blob/main.js'),
      ...['--blobHost', '127.0.0.1', '--blobPort', port, '--location', folder.path],
      ...['--silent', '--disableTelemetry', '--skipApiVersionCheck'],
    ],
    { AZURITE_ACCOUNTS: `storageaccount:${accountKey}` },
    folder.remove,
  );
  const endpoint = `http://127.0.0.1:${port}/storageaccount`;
  // Any answer will do: it listens.
  await server.ready(async () => (await fetch(endpoint)).status > 0);
  return {
    settings: { kind: 'azure-blob', accountName: 'storageaccount', accountKey, endpoint },
    stop: () => server.stop(),
  };
}

class Server {
  private output = '';
  private readonly child: ChildProcess;

  constructor(
    program: string,
    args: string[],
    environment: Record<string, string>,
    private readonly remove: () => void,
  ) {
    this.child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], ...environment },
    });
    const keep = (text: Buffer) => (this.output = (this.output + text.toString()).slice(-4000));
    this.child.stdout?.on('data', keep);
    this.child.stderr?.on('data', keep);
  }

  async ready(look: () => Promise<boolean>): Promise<void> {
    try {
      await waitFor('the object server to listen', async () => {
        if (this.hasEnded) throw new Error(`the object server ended:\n${this.output}`);
        // Refused until it listens.
        return look().catch(() => false);
      });
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    if (!this.hasEnded) this.child.kill('SIGKILL');
    await waitFor('the object server to end', () => this.hasEnded);
    this.remove();
  }

  private get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }
}

const secret = () => randomBytes(12).toString('hex');
