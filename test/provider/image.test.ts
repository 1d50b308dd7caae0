import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Incomplete } from '../../provider/core/failure.js';
import { image } from '../../provider/core/image.js';
import type { Ports } from '../../provider/core/ports.js';
import { connect } from '../../provider/dynamic/connect.js';
import { qemuImgRequirement, suite } from '../support/requirements.js';
import { startController, type StartedController } from '../support/start-controller.js';
import { tempDirectory } from '../support/temp-dir.js';
import { make } from './ports.js';

const qemuImg = await qemuImgRequirement();

suite('an Image on a real controller', [qemuImg], () => {
  const folder = tempDirectory('image');
  let controller: StartedController;
  let ports: Ports;
  const disk = join(folder.path, 'disk.qcow2');
  const inputs = {
    imageName: 'try',
    source: pathToFileURL(disk).href,
    publisher: 'yard',
    offer: 'try',
    sku: 'one',
    nodeAgentSkuId: 'batch.node.debian 12',
  };
  beforeAll(async () => {
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', disk, '1M']);
    controller = await startController();
    const { url: endpoint, adminToken } = controller;
    ports = connect({}, { endpoint, adminToken });
  });
  afterAll(async () => {
    await controller.stop();
    folder.remove();
  });

  it('is imported, read back without a change, changed in place and deleted', async () => {
    const { id, outs } = await make(image, inputs, ports);
    expect(id).toMatch(/\/locations\/local\/images\/try$/);
    expect(outs).toMatchObject({ provisioningState: 'Succeeded' });
    expect(String(outs.contentSha256)).toMatch(/^[0-9a-f]{64}$/);
    expect((await image.read(id, outs, ports))?.inputs).toEqual(inputs);
    expect((await make(image, inputs, ports)).outs).toEqual(outs);
    await expect(make(image, { ...inputs, version: '3.0' }, ports)).rejects.toThrow(
      /^Image try: exists already with other values: .*adoptExisting/,
    );
    const news = { ...inputs, version: '2.0' };
    expect(image.diff(id, outs, news)).toMatchObject({ changes: true, replaces: [] });
    const changed = await image.update(id, outs, news, ports);
    await ports.images.put('local', 'try', { ...inputs, version: '5.0' });
    expect((await image.read(id, changed, ports))?.inputs).toMatchObject({ version: '5.0' });
    await image.delete(id, changed, ports);
    expect(await image.read(id, changed, ports)).toBeUndefined();
    await image.delete(id, changed, ports);
  });

  it('that can not be imported stays in the state with the reason', async () => {
    const missing = { ...inputs, source: 'file:///no/such.qcow2' };
    const error = await make(image, missing, ports).catch((raised: unknown) => raised);
    expect(error).toBeInstanceOf(Incomplete);
    expect((error as Incomplete).message).toMatch(/^Image try: the import failed: \w+: /);
    const { id, properties } = error as Incomplete;
    expect(await image.update(id, properties, inputs, ports)).toMatchObject({
      provisioningState: 'Succeeded',
    });
    await image.delete(id, properties, ports);
  });

  it('says what is wrong without showing the source', async () => {
    const { failures } = await image.check({}, { ...inputs, source: 'ftp://user:secret@x' });
    expect(failures).toEqual([
      { property: '', reason: expect.stringMatching(/^source: allowed/) as string },
    ]);
    const names = await image.check({}, { ...inputs, sku: undefined, imageName: '-x' });
    expect(names.failures.map(({ property }) => property)).toEqual(['imageName']);
  });
});
