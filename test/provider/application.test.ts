import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { account } from '../../provider/core/account.js';
import { application } from '../../provider/core/application/application.js';
import { applicationPackage } from '../../provider/core/application/package.js';
import type { Ports } from '../../provider/core/ports.js';
import { connect } from '../../provider/dynamic/connect.js';
import { startController, type StartedController } from '../support/start-controller.js';
import { tempDirectory } from '../support/temp-dir.js';
import { makeZip } from '../support/zip.js';
import { ACCOUNT, make } from './ports.js';

const folder = tempDirectory('packages');
const zip = (text: string) =>
  writeFileSync(join(folder.path, 'tool.zip'), makeZip([{ name: 'tool', content: text }]));
let controller: StartedController;
let ports: Ports;
beforeAll(async () => {
  controller = await startController();
  ports = connect({}, { endpoint: controller.url, adminToken: controller.adminToken });
  await make(account, ACCOUNT, ports);
  zip('one');
});
afterAll(async () => {
  await controller.stop();
  folder.remove();
});

const TOOL = { ...ACCOUNT, applicationName: 'tool', displayName: 'The tool' };
const PACKAGE = {
  ...ACCOUNT,
  applicationName: 'tool',
  versionName: '1.0',
  source: 'tool.zip',
  workingDirectory: folder.path,
  isDefault: true,
};
const defaultVersion = async () =>
  (await ports.applications.get({ ...ACCOUNT, resourceGroupName: 'default' }, 'tool'))
    .defaultVersion;

it('makes an application, changes it in place and sees what was changed elsewhere', async () => {
  const { id, outs } = await make(application, TOOL, ports);
  expect(id).toMatch(/batchAccounts\/yard\/applications\/tool$/);
  expect((await application.read(id, outs, ports))?.inputs).toEqual(TOOL);
  await expect(make(application, { ...TOOL, displayName: 'x' }, ports)).rejects.toThrow(
    /Application tool .*adoptExisting/,
  );
  const { displayName: _gone, ...bare } = TOOL;
  expect(application.diff(id, outs, bare)).toMatchObject({ changes: true, replaces: [] });
  await application.update(id, outs, bare, ports);
  expect((await application.read(id, bare, ports))?.inputs).toEqual(bare);
});

it('uploads a package, makes it the default, and replaces it for another content', async () => {
  const { id, outs } = await make(applicationPackage, PACKAGE, ports);
  expect(outs).toMatchObject({ state: 'Active', format: 'zip' });
  expect(JSON.stringify(outs)).not.toContain('sig=');
  expect(await defaultVersion()).toBe('1.0');
  expect((await applicationPackage.read(id, outs, ports))?.props).toEqual(outs);
  const again = (await applicationPackage.check({}, PACKAGE)).inputs;
  expect(applicationPackage.diff(id, outs, again).changes).toBe(false);
  zip('two');
  const { inputs } = await applicationPackage.check({}, PACKAGE);
  expect(applicationPackage.diff(id, outs, inputs)).toEqual({
    changes: true,
    replaces: ['source'],
    deleteBeforeReplace: true,
  });
  await expect(applicationPackage.create(inputs, ports)).rejects.toThrow(/exists already/);
});

it('names a file that is not there', async () => {
  const { failures } = await applicationPackage.check({}, { ...PACKAGE, source: 'no.zip' });
  expect(failures[0]?.reason).toMatch(/^source: .*no\.zip is not a file or a folder$/);
});

it('deletes the default package, and then the application, also twice', async () => {
  const { inputs } = await applicationPackage.check({}, PACKAGE);
  for (let times = 0; times < 2; times += 1) await applicationPackage.delete('', inputs, ports);
  expect(await applicationPackage.read('', inputs, ports)).toBeUndefined();
  for (let times = 0; times < 2; times += 1) await application.delete('', TOOL, ports);
  expect(await application.read('', TOOL, ports)).toBeUndefined();
});
