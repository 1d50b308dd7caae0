import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { batchClient } from '../support/client.js';
import { qemuImgRequirement, suite } from '../support/requirements.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';
import { waitFor } from '../support/wait-for.js';

const LOCATION =
  '/subscriptions/00000000-0000-0000-0000-000000000000/providers/Microsoft.Batch/locations/local';
const SKU = 'batch.node.debian 12';

interface ImageResource {
  id: string;
  etag: string;
  properties: {
    provisioningState: string;
    source: string;
    sha256?: string;
    sizeBytes?: number;
    importProgress?: { bytes: number; totalBytes?: number; percent?: number };
    importError?: { code: string; message: string };
  };
}

const qemuImg = await qemuImgRequirement();

suite('the catalogue of images', [qemuImg], () => {
  const folder = mkdtempSync(join(tmpdir(), 'batchyard-images-'));
  const disk = join(folder, 'disk.qcow2');
  let server: Server;
  let origin: string;
  let controller: StartedController;
  /** Answers of the source by path; by default the disk, ranges included. */
  const answers = new Map<string, (request: IncomingMessage, response: ServerResponse) => void>();
  const asked: { url: string; range: string | undefined }[] = [];

  beforeAll(async () => {
    const raw = join(folder, 'raw');
    // Content that does not shrink, so that a download can be cut in the middle.
    writeFileSync(
      raw,
      createHash('shake256', { outputLength: 3 * 2 ** 20 })
        .update('disk')
        .digest(),
    );
    execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, disk]);
    server = createServer((request, response) => {
      const url = request.url ?? '';
      asked.push({ url, range: request.headers.range });
      const answer = answers.get(new URL(url, 'http://source').pathname);
      if (answer !== undefined) {
        answer(request, response);
        return;
      }
      sendDisk(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    controller = await startController({
      configuration: {
        images: [
          {
            publisher: 'yard', offer: 'configured', sku: 'one', version: '2.0', provider: 'libvirt',
            nodeAgentSkuId: SKU, url: `${origin}/configured`,
          },
        ],
      },
    }); // prettier-ignore
  });
  afterAll(async () => {
    await controller.stop();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true });
  });

  function sendDisk(request: IncomingMessage, response: ServerResponse, limit?: number) {
    const content = readFileSync(disk);
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const part = content.subarray(from, limit);
    response.writeHead(from > 0 ? 206 : 200, {
      etag: '"disk-1"',
      'content-length': content.length - from,
      ...(from > 0 && { 'content-range': `bytes ${String(from)}-/${String(content.length)}` }),
    });
    if (limit === undefined) response.end(part);
    else response.write(part);
  }

  const sha256 = () => createHash('sha256').update(readFileSync(disk)).digest('hex');

  async function request(method: string, name: string, properties?: object) {
    const url = `${controller.url}${LOCATION}/images${name === '' ? '' : `/${name}`}?api-version=2024-07-01`;
    const response = await fetch(url, {
      method,
      headers: {
        authorization: `Bearer ${controller.adminToken}`,
        'content-type': 'application/json',
      },
      ...(properties === undefined ? {} : { body: JSON.stringify({ properties }) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      body: (text === '' ? {} : JSON.parse(text)) as ImageResource,
    };
  }
  const put = (name: string, path: string, more: object = {}) =>
    request('PUT', name, {
      source: path.startsWith('file:') ? path : `${origin}${path}`,
      nodeAgentSkuId: SKU,
      ...more,
    });
  const settled = (name: string) =>
    waitFor(`image ${name} to be settled`, async () => {
      const { body } = await request('GET', name);
      return body.properties.provisioningState === 'Creating' ? undefined : body;
    });
  const failure = async (name: string) => (await settled(name)).properties.importError;

  it('imports a file over http, checks its SHA-256 and offers it to pools by its id', async () => {
    const made = await put('plain', '/plain?signature=very-secret', { sha256: sha256() });
    expect(made.status).toBe(201);
    const image = await settled('plain');
    expect(image.properties).toMatchObject({ provisioningState: 'Succeeded', sha256: sha256() });
    expect(JSON.stringify(image)).not.toContain('very-secret');
    const client = batchClient(controller);
    const configuration = {
      imageReference: { virtualMachineImageId: image.id },
      nodeAgentSKUId: SKU,
    };
    const pool = { id: 'custom', vmSize: 'batchyard_tiny', targetDedicatedNodes: 0 };
    await client.pool.add({ ...pool, virtualMachineConfiguration: configuration });
    expect(await request('DELETE', 'plain')).toMatchObject({ status: 409 });
    await expect(
      client.pool.add({
        ...pool,
        id: 'wrong',
        virtualMachineConfiguration: { ...configuration, nodeAgentSKUId: 'batch.node.other' },
      }),
    ).rejects.toMatchObject({ statusCode: 400, code: 'InvalidPropertyValue' });
    await client.pool.deleteMethod('custom');
    await waitFor('the pool to be gone', async () => !(await client.pool.exists('custom')).body);
    expect(await request('DELETE', 'plain')).toMatchObject({ status: 200 });
    expect(await request('DELETE', 'plain')).toMatchObject({ status: 204 });
    expect(await request('GET', 'plain')).toMatchObject({ status: 404 });
    expect(existsSync(join(controller.dataDirectory, 'images', 'plain'))).toBe(false);
  });

  it('lists images with publisher, offer and SKU as supported ones, the configuration’s included', async () => {
    const names = { publisher: 'yard', offer: 'listed', sku: 'one' };
    await put('listed-1.9', '/listed', { ...names, version: '1.9', verificationType: 'verified' });
    await put('listed-1.10', '/listed', { ...names, version: '1.10' });
    await settled('listed-1.9');
    await settled('listed-1.10');
    await settled('yard-configured-one-2.0');
    const images = await batchClient(controller).account.listSupportedImages();
    const own = images.filter(({ imageReference }) => imageReference.publisher === 'yard');
    expect(own.map(({ imageReference }) => imageReference.version).sort()).toEqual([
      '1.10',
      '1.9',
      '2.0',
    ]);
    expect(own.find(({ imageReference }) => imageReference.version === '1.9')).toMatchObject({
      nodeAgentSKUId: SKU,
      osType: 'linux',
      verificationType: 'verified',
    });
    const { status, body } = await request('GET', '');
    expect(status).toBe(200);
    expect((body as unknown as { value: object[] }).value).toHaveLength(3);
  });

  it('goes on where a download broke off, and shows how far it is', async () => {
    let cut = 0;
    answers.set('/cut', (incoming, response) => {
      cut += 1;
      if (cut > 1) {
        sendDisk(incoming, response);
        return;
      }
      sendDisk(incoming, response, 1_000_000);
      void waitFor('the progress to be seen', async () => {
        const { body } = await request('GET', 'cut');
        return body.properties.importProgress?.bytes === 1_000_000 && body;
      }).then((seen) => {
        const { importProgress } = seen.properties;
        progress = importProgress?.percent;
        response.destroy();
      });
    });
    let progress: number | undefined;
    await put('cut', '/cut', { sha256: sha256() });
    expect((await settled('cut')).properties.provisioningState).toBe('Succeeded');
    expect(progress).toBe(Math.floor(100_000_000 / readFileSync(disk).length));
    expect(asked.filter(({ url }) => url === '/cut').at(-1)?.range).toBe('bytes=1000000-');
  });

  it('goes on with an import that the end of the controller cut off', async () => {
    let held: ServerResponse | undefined;
    answers.set('/held', (incoming, response) => {
      if (held !== undefined) {
        sendDisk(incoming, response);
        return;
      }
      held = response;
      sendDisk(incoming, response, 500_000);
    });
    await put('held', '/held');
    await waitFor('the download to begin', async () => {
      const { body } = await request('GET', 'held');
      return body.properties.importProgress?.bytes === 500_000;
    });
    await controller.restart();
    expect((await settled('held')).properties.provisioningState).toBe('Succeeded');
  });

  it('says what is wrong with a source', async () => {
    answers.set('/missing', (_incoming, response) => response.writeHead(404).end());
    answers.set('/text', (_incoming, response) => response.end('no disk at all'));
    await put('missing', '/missing');
    await put('text', '/text');
    await put('changed', '/changed', { sha256: '0'.repeat(64) });
    expect(await failure('missing')).toMatchObject({ code: 'SourceNotFound' });
    expect(await failure('text')).toMatchObject({ code: 'NotQcow2' });
    const changed = await failure('changed');
    expect(changed).toMatchObject({ code: 'ChecksumMismatch' });
    expect(changed?.message).toContain(sha256());
    expect(readdirSync(join(controller.dataDirectory, 'images', 'changed'))).toEqual([]);
  });

  it('refuses an image that stands on another file: it would show what QEMU may read', async () => {
    const overlay = join(folder, 'overlay.qcow2');
    execFileSync('qemu-img', [
      'create',
      '-q',
      '-f',
      'qcow2',
      '-F',
      'raw',
      '-b',
      '/etc/hostname',
      overlay,
    ]);
    await put('overlay', pathToFileURL(overlay).href);
    expect(await failure('overlay')).toMatchObject({ code: 'HasBackingFile' });
  });

  it('refuses a file that does not fit where images are kept', async () => {
    answers.set('/huge', (_incoming, response) => {
      response.writeHead(200, { 'content-length': 2 ** 50 });
      response.write('QFI');
    });
    await put('huge', '/huge');
    expect(await failure('huge')).toMatchObject({ code: 'StorageFull' });
  });

  it('imports another source in the place of the old one, and tries a failed one again', async () => {
    answers.delete('/text');
    expect((await put('text', '/text')).status).toBe(201);
    const first = await settled('text');
    expect(first.properties.provisioningState).toBe('Succeeded');
    expect((await put('text', '/text')).status).toBe(200);
    expect((await put('text', '/other')).status).toBe(201);
    expect((await settled('text')).etag).not.toBe(first.etag);
  });

  it('refuses what no image can be', async () => {
    expect(await put('-name', '/a')).toMatchObject({ status: 400 });
    expect(await put('ftp', 'file:')).toMatchObject({ status: 400 });
    expect(await put('half', '/a', { publisher: 'yard' })).toMatchObject({ status: 400 });
    expect(await put('sum', '/a', { sha256: 'abc' })).toMatchObject({ status: 400 });
    expect(await put('latest', '/a', { version: 'latest' })).toMatchObject({ status: 400 });
    const anonymous = await fetch(`${controller.url}${LOCATION}/images?api-version=2024-07-01`);
    expect(anonymous.status).toBe(401);
  });
});
