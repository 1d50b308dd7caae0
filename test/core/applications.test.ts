import { beforeEach, describe, expect, test } from 'vitest';
import { applicationCreate } from '../../controller/commands/application/create.js';
import { applicationDelete } from '../../controller/commands/application/delete.js';
import { applicationUpdate } from '../../controller/commands/application/update.js';
import { applicationPackageActivate } from '../../controller/commands/application-package/activate.js';
import { applicationPackageCreate } from '../../controller/commands/application-package/create.js';
import { applicationPackageDelete } from '../../controller/commands/application-package/delete.js';
import { batchAccountDelete } from '../../controller/commands/batch-account/delete.js';
import { LIMITS } from '../../protocol/batch/limits.js';
import { applicationKey, applicationPackageKey } from '../../protocol/keys.js';
import { ACCOUNT, CoreDriver } from '../support/core-driver.js';

let driver: CoreDriver;
const named = { account: ACCOUNT, applicationName: 'Tool' };
const version = (versionName: string) => ({ ...named, versionName });
const packageOf = (versionName: string) => {
  const key = applicationPackageKey(applicationKey(ACCOUNT, 'tool'), versionName);
  const found = driver.engine.view.applicationPackages.get(key);
  if (found === undefined) throw new Error(`no package ${key}`);
  return found;
};
const activate = (versionName: string, md5 = 'md5') => {
  const body = { blob: packageOf(versionName).upload, md5, bytes: 22 };
  return driver.do(applicationPackageActivate({ ...version(versionName), body }));
};
const resolved = (reference: { version?: string } = {}) =>
  driver.engine.view.applicationPackage(ACCOUNT, { applicationId: 'TOOL', ...reference });

beforeEach(async () => {
  driver = await CoreDriver.start();
  await driver.do(applicationCreate({ ...named, body: {} }));
});

describe('references to application packages', () => {
  test('mean nothing until the version is activated, and say why', async () => {
    expect(resolved()).toHaveProperty('problem', expect.stringContaining('no default version'));
    expect(resolved({ version: '1' })).toHaveProperty(
      'problem',
      expect.stringContaining('has no version 1'),
    );
    await driver.do(applicationPackageCreate(version('1')));
    expect(resolved({ version: '1' })).toHaveProperty(
      'problem',
      expect.stringContaining('not activated'),
    );
    await activate('1');
    expect(resolved({ version: '1' })).toMatchObject({ content: { md5: 'md5' } });
    await driver.do(applicationUpdate({ ...named, body: { defaultVersion: '1' } }));
    expect(resolved()).toMatchObject({ applicationPackage: { versionName: '1' } });
    await driver.do(applicationUpdate({ ...named, body: { defaultVersion: null } }));
    expect(resolved()).toHaveProperty('problem');
  });

  test('mean the old file until its replacement is activated', async () => {
    await driver.do(applicationPackageCreate(version('1')));
    await activate('1', 'old');
    const { upload } = packageOf('1');
    await driver.do(applicationPackageCreate(version('1')));
    expect(packageOf('1')).toMatchObject({ state: 'pending' });
    expect(resolved({ version: '1' })).toMatchObject({ content: { md5: 'old' } });
    expect(await activate('1', 'new')).toEqual({ unused: upload });
    expect(resolved({ version: '1' })).toMatchObject({ content: { md5: 'new' } });
    expect(packageOf('1').state).toBe('active');
  });

  test('survive the controller', async () => {
    await driver.do(applicationPackageCreate(version('1')));
    await activate('1');
    await driver.restart();
    expect(resolved({ version: '1' })).toMatchObject({ application: { id: 'Tool' } });
  });
});

describe('applications', () => {
  test('are refused what would break a promise, and change nothing then', async () => {
    await driver.do(applicationPackageCreate(version('1')));
    await activate('1');
    await driver.do(
      applicationUpdate({ ...named, body: { defaultVersion: '1', allowUpdates: false } }),
    );
    const conflict = { code: 'OperationInvalidForCurrentState' };
    await expect(driver.do(applicationDelete(named))).rejects.toMatchObject(conflict);
    await expect(driver.do(applicationPackageDelete(version('1')))).rejects.toMatchObject(conflict);
    await expect(driver.do(applicationPackageCreate(version('1')))).rejects.toMatchObject(conflict);
    const stale = { ...version('1'), body: { blob: 'another', md5: 'x', bytes: 1 } };
    await expect(driver.do(applicationPackageActivate(stale))).rejects.toMatchObject(conflict);
    await expect(
      driver.do(applicationUpdate({ ...named, body: { defaultVersion: '9' } })),
    ).rejects.toMatchObject({ code: 'InvalidPropertyValue' });
    expect(resolved()).toMatchObject({ content: { md5: 'md5' } });
  });

  test('have limits, and go with their account', async () => {
    for (let count = 1; count < LIMITS.applicationsPerAccount; count += 1)
      await driver.do(applicationCreate({ ...named, applicationName: `a${count}`, body: {} }));
    await expect(
      driver.do(applicationCreate({ ...named, applicationName: 'more', body: {} })),
    ).rejects.toMatchObject({ code: 'ApplicationQuotaReached' });
    for (let count = 1; count <= LIMITS.packagesPerApplication; count += 1)
      await driver.do(applicationPackageCreate(version(`v${count}`)));
    await expect(driver.do(applicationPackageCreate(version('more')))).rejects.toMatchObject({
      code: 'ApplicationPackageQuotaReached',
    });
    await driver.do(batchAccountDelete({ account: ACCOUNT }));
    expect(driver.store.all('application')).toEqual([]);
    expect(driver.store.all('applicationPackage')).toEqual([]);
  });
});
