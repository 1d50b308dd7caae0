import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificate } from '../support/certificate.js';
import { batchClient } from '../support/client.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';

let controller: StartedController;
const made = makeCertificate('one');
const other = makeCertificate('two');
beforeAll(async () => {
  controller = await startController();
});
afterAll(() => controller.stop());

const add = (body: {
  thumbprint?: string;
  data?: string;
  password?: string;
  certificateFormat?: 'pfx' | 'cer';
}) =>
  batchClient(controller).certificate.add({
    thumbprint: made.thumbprint,
    thumbprintAlgorithm: 'sha1',
    data: made.pfx('secret'),
    ...body,
  });
const invalid = (property: string) => ({
  statusCode: 400,
  code: 'InvalidPropertyValue',
  body: { values: expect.arrayContaining([{ key: 'PropertyName', value: property }]) as unknown },
});

describe('Certificate_Add', () => {
  it('refuses what does not fit together and keeps nothing of it', async () => {
    await expect(add({ password: 'wrong' })).rejects.toMatchObject(invalid('password'));
    await expect(add({ password: 'secret', data: other.pfx('secret') })).rejects.toMatchObject(
      invalid('thumbprint'),
    );
    await expect(add({ data: 'aGVsbG8=', password: 'x' })).rejects.toMatchObject(invalid('data'));
    await expect(add({ data: 'no base64!' })).rejects.toMatchObject(invalid('data'));
    await expect(
      add({ data: made.cer, certificateFormat: 'cer', password: 'x' }),
    ).rejects.toMatchObject(invalid('password'));
    expect(await batchClient(controller).certificate.list()).toHaveLength(0);
  });

  it('keeps a PFX, shows its public part alone, and refuses it a second time', async () => {
    const client = batchClient(controller);
    expect((await add({ password: 'secret' }))._response.status).toBe(201);
    const read = await client.certificate.get('sha1', made.thumbprint.toUpperCase());
    expect(read).toMatchObject({ state: 'active', publicData: made.cer });
    expect(read).not.toHaveProperty('data');
    expect(read).not.toHaveProperty('password');
    await expect(add({ password: 'secret' })).rejects.toMatchObject({ code: 'CertificateExists' });
    await expect(client.certificate.cancelDeletion('sha1', made.thumbprint)).rejects.toMatchObject({
      statusCode: 409,
      code: 'CertificateStateActive',
    });
    expect((await client.certificate.deleteMethod('sha1', made.thumbprint))._response.status).toBe(
      202,
    );
  });

  it('keeps a CER', async () => {
    const client = batchClient(controller);
    const thumbprint = other.thumbprint;
    await add({ thumbprint, data: other.cer, certificateFormat: 'cer' });
    expect((await client.certificate.get('sha1', thumbprint)).publicData).toBe(other.cer);
    expect(controller.logs()).not.toContain('secret');
  });
});
