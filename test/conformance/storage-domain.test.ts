import { request } from 'node:https';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { managementClient } from '../support/client.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';
import { makeZip } from '../support/zip.js';

const DOMAIN = 'yard.example';
let controller: StartedController;
beforeAll(async () => {
  controller = await startController({ tls: true, configuration: { storageDomain: DOMAIN } });
});
afterAll(() => controller.stop());

/** As from a client whose resolver knows the domain: the certificate must be good for the name. */
function send(
  method: string,
  url: string,
  body?: Buffer,
): Promise<{ status: number; text: string }> {
  const { hostname } = new URL(url);
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        method,
        ca: readFileSync(controller.caFile ?? ''),
        servername: hostname,
        headers: body === undefined ? {} : { 'x-ms-blob-type': 'BlockBlob' },
        lookup: (_name, options, callback) => {
          if (options.all === true) callback(null, [{ address: '127.0.0.1', family: 4 }]);
          else callback(null, '127.0.0.1', 4);
        },
      },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () => {
          resolve({
            status: response.statusCode ?? 0,
            text: Buffer.concat(parts).toString('latin1'),
          });
        });
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

it('has packages uploaded to a host of the account, under a certificate that covers it', async () => {
  const arm = managementClient(controller);
  await arm.applicationOperations.create('batchyard', controller.account, 'tool');
  const names = ['batchyard', controller.account, 'tool', '1'] as const;
  const made = await arm.applicationPackageOperations.create(...names);
  const url = new URL(made.storageUrl ?? '');
  expect(url.hostname).toBe(`${controller.account}.blob.${DOMAIN}`);
  expect(url.port).toBe(new URL(controller.tlsUrl ?? '').port);
  expect(url.pathname).toMatch(/^\/application-packages\/tool\/1\//);
  const zip = makeZip([{ name: 'a.txt', content: 'a' }]);
  expect(await send('PUT', url.href, zip)).toMatchObject({ status: 201 });
  const active = await arm.applicationPackageOperations.activate(...names, { format: 'zip' });
  expect(active.state).toBe('Active');
  const read = await send('GET', active.storageUrl ?? '');
  expect([read.status, read.text]).toEqual([200, zip.toString('latin1')]);
});

it('takes a signature for its own account only, and knows no other domain', async () => {
  const arm = managementClient(controller);
  const { storageUrl = '' } = await arm.applicationPackageOperations.get(
    ...(['batchyard', controller.account, 'tool', '1'] as const),
  );
  await arm.batchAccountOperations.beginCreateAndWait('batchyard', 'another', {
    location: 'local',
  });
  const other = storageUrl.replace(`//${controller.account}.`, '//another.');
  expect(await send('GET', other)).toMatchObject({ status: 403 });
  const unknown = storageUrl.replace(`//${controller.account}.`, '//nobody.');
  expect(await send('GET', unknown)).toMatchObject({ status: 404 });
});
