import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import sqlite3 from 'sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BATCHYARD, startController } from '../support/start-controller.js';
import { tempDirectory } from '../support/temp-dir.js';

const KEY = Buffer.alloc(64, 1).toString('base64');
const folder = tempDirectory('start-failures');
const data = join(folder.path, 'data');

function run(flags: string[], environment: Record<string, string> = {}) {
  const ended = spawnSync(process.execPath, [BATCHYARD, ...flags], {
    encoding: 'utf8',
    timeout: 20_000,
    env: { ...process.env, ...environment },
  });
  return { code: ended.status, output: ended.stdout, line: ended.stderr };
}

function configFile(name: string, content: string): string {
  const file = join(folder.path, name);
  writeFileSync(file, content);
  return file;
}

describe('a start that the user can put right', () => {
  let taken: Server;
  beforeAll(async () => {
    taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    await new Promise((resolve) => taken.close(resolve));
    folder.remove();
  });
  const takenAddress = () => `127.0.0.1:${String((taken.address() as AddressInfo).port)}`;

  it.each<[string, () => string[], RegExp]>([
    ['an unknown flag', () => ['--data', data, '--lisen', '127.0.0.1:0'], /--lisen.*--listen/],
    ['no data folder', () => ['--listen', '127.0.0.1:0'], /--data is missing/],
    [
      'a port that is none',
      () => ['--data', data, '--listen', '127.0.0.1:99999'],
      /--listen.*99999.*HOST:PORT/,
    ],
    [
      'a port in use',
      () => ['--data', data, '--listen', takenAddress()],
      /--listen 127\.0\.0\.1:\d+: the port is in use/,
    ],
    [
      'an https port in use',
      () => ['--data', data, '--listen', '127.0.0.1:0', '--tls-listen', takenAddress()],
      /--tls-listen 127\.0\.0\.1:\d+: the port is in use/,
    ],
    [
      "a host that isn't this machine",
      () => ['--data', data, '--listen', '192.0.2.1:0'],
      /192\.0\.2\.1.*no address of this machine/,
    ],
    [
      'an account without a key',
      () => ['--data', data, '--account', 'demo'],
      /--account.*NAME=BASE64KEY/,
    ],
    [
      'an account whose key is not base64',
      () => ['--data', data, '--account', 'demo=%%%'],
      /--account.*NAME=BASE64KEY/,
    ],
    [
      'an account with a bad name',
      () => ['--data', data, '--account', `De mo=${KEY}`],
      /--account.*3 to 24/,
    ],
    [
      'an admin token with a space',
      () => ['--data', data, '--admin-token', 'a b c d e f'],
      /--admin-token.*visible ASCII/,
    ],
    [
      'a log level that is none',
      () => ['--data', data, '--log-level', 'loud'],
      /--log-level.*"loud"/,
    ],
    [
      'a duration that is none',
      () => ['--data', data, '--job-schedule-minimum-interval', '5s'],
      /"5s".*ISO 8601/,
    ],
    [
      'a limit of transfers that is none',
      () => ['--data', data, '--transfers', 'triesMax=2,tries=3'],
      /--transfers.*"tries=3" is none of triesMax, retryMs/,
    ],
    [
      'no configuration file',
      () => ['--data', data, '--config', join(folder.path, 'none.yaml')],
      /--config .*none\.yaml.*can't be read/,
    ],
    [
      'a broken configuration file',
      () => ['--config', configFile('broken.yaml', 'data: [1,')],
      /broken\.yaml: not YAML or JSON/,
    ],
    [
      'a configuration file with a list',
      () => ['--config', configFile('list.yaml', '- 1')],
      /list\.yaml: holds a list/,
    ],
    [
      'an unknown key',
      () => ['--config', configFile('key.yaml', `data: ${data}\nlisten: 127.0.0.1:0\nporrt: 5`)],
      /key\.yaml: unknown key porrt, allowed are data, listen/,
    ],
    [
      'an unknown key of a structure',
      () => [
        '--config',
        configFile('deep.json', JSON.stringify({ data, leases: { lesae: 'PT5S' } })),
      ],
      /deep\.json: unknown key lesae in leases/,
    ],
    [
      'a VM size with half a CPU',
      () => [
        '--data',
        data,
        '--vm-sizes',
        '[{name: half, vcpus: 0.5, memoryMiB: 512, diskGiB: 4}]',
      ],
      /--vm-sizes \(0\.vcpus\): 0\.5/,
    ],
    [
      'a libvirt image without its file',
      () => [
        '--data',
        data,
        '--images',
        '[{publisher: a, offer: b, sku: c, nodeAgentSkuId: d, provider: libvirt}]',
      ],
      /--images \(0\.path\).*qcow2/,
    ],
    [
      "a certificate file that isn't one",
      () => {
        const file = configFile('not.pem', 'hello');
        return [
          '--data',
          data,
          '--listen',
          '127.0.0.1:0',
          '--tls-listen',
          '127.0.0.1:0',
          '--tls',
          `{certificateFile: ${file}, keyFile: ${file}}`,
        ];
      },
      /not\.pem.*allowed is PEM/,
    ],
  ])('%s: one line, exit code 2, nothing made', (_what, flags, line) => {
    const ended = run(['controller', ...flags()]);
    expect(ended.line).toMatch(line);
    expect(ended.line.trimEnd().split('\n')).toHaveLength(1);
    expect(ended.line).not.toContain(KEY);
    expect(ended).toMatchObject({ code: 2, output: '' });
    expect(existsSync(data)).toBe(false);
  });

  it('an environment variable is named where the value comes from it', () => {
    const ended = run(['controller', '--data', data], { BATCHYARD_LISTEN: 'nowhere' });
    expect(ended).toMatchObject({ code: 2 });
    expect(ended.line).toMatch(/BATCHYARD_LISTEN: "nowhere"/);
  });

  it('a data folder of a newer version is left as it is', async () => {
    const controller = await startController();
    const file = join(controller.dataDirectory, 'batchyard.db');
    await controller.terminate();
    await execute(file, "UPDATE meta SET value = '999' WHERE key = 'schemaVersion'");
    const ended = run([
      'controller',
      '--data',
      controller.dataDirectory,
      '--listen',
      '127.0.0.1:0',
    ]);
    expect(ended).toMatchObject({ code: 2, output: '' });
    expect(ended.line).toMatch(/batchyard\.db has schema version 999.*knows versions up to/);
    await controller.stop();
  });

  it('a data folder that another controller uses is refused', async () => {
    const controller = await startController();
    const ended = run([
      'controller',
      '--data',
      controller.dataDirectory,
      '--listen',
      '127.0.0.1:0',
    ]);
    expect(ended).toMatchObject({ code: 2, output: '' });
    expect(ended.line).toMatch(/in use by another controller/);
    await controller.stop();
  });

  it('a data folder that is a file is named', () => {
    const file = configFile('file', '');
    const ended = run(['controller', '--data', file, '--listen', '127.0.0.1:0']);
    expect(ended).toMatchObject({ code: 2 });
    expect(ended.line).toContain(file);
    mkdirSync(folder.path, { recursive: true });
  });

  it('help and version answer with exit code 0', () => {
    expect(run(['--version']).output).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(run(['controller', '--help'])).toMatchObject({ code: 0 });
    expect(run(['controller', '--help']).output).toMatch(/--tls-listen <HOST:PORT>/);
    expect(run(['bogus'])).toMatchObject({ code: 2 });
  });
});

function execute(file: string, sql: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const database = new sqlite3.Database(file);
    database.exec(sql, (error) => {
      database.close(() => {
        if (error === null) resolve();
        else reject(error);
      });
    });
  });
}
