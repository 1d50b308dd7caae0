import { describe, expect, it } from 'vitest';
import { KIND_NAMES, type KindName } from '../../provider/dynamic/pointer.js';
import { idOfInputs, inputsOfId, partsOfUrn } from '../../provider/process/identity.js';

/** Of every kind that can be looked up: the short id and what it names. */
const SHORT: Partial<Record<KindName, [string, object]>> = {
  account: ['yard', {}],
  pool: ['yard/p1', { poolName: 'p1' }],
  job: ['yard/j1', { jobId: 'j1' }],
  task: ['yard/j1/t1', { jobId: 'j1', taskId: 't1' }],
  jobSchedule: ['yard/s1', { jobScheduleId: 's1' }],
  certificate: ['yard/sha1-abcd', { thumbprint: 'abcd' }],
  application: ['yard/tool', { applicationName: 'tool' }],
  applicationPackage: ['yard/tool/1.0', { applicationName: 'tool', versionName: '1.0' }],
  storageContainer: ['yard/files', { containerName: 'files' }],
};

describe('ids of imports', () => {
  for (const [kind, [short, names]] of Object.entries(SHORT) as [KindName, [string, object]][])
    it(`of ${kind} are short or full, and mean the same`, () => {
      const inputs = inputsOfId(kind, kind, short);
      expect(inputs).toEqual({ accountName: 'yard', ...names });
      expect(inputsOfId(kind, kind, idOfInputs(kind, inputs))).toEqual(inputs);
      const elsewhere = { ...inputs, resourceGroupName: 'other' };
      expect(inputsOfId(kind, kind, idOfInputs(kind, elsewhere))).toEqual(elsewhere);
    });
  it('of images name no account', () => {
    expect(inputsOfId('image', 'Image', 'debian')).toEqual({ imageName: 'debian' });
    const there = { imageName: 'debian', location: 'cellar' };
    expect(inputsOfId('image', 'Image', idOfInputs('image', there))).toEqual(there);
  });
  it('that are none are refused with the forms that are allowed', () => {
    for (const id of [
      '',
      'p1',
      'yard/p1/x',
      'yard/',
      '/subscriptions/x',
      idOfInputs('job', { accountName: 'yard', jobId: 'j' }),
    ])
      expect(() => inputsOfId('pool', 'Pool', id), id).toThrow(
        /give ACCOUNT\/poolName or the full id/,
      );
    expect(() => inputsOfId('image', 'Image', 'a/b')).toThrow(/give imageName or the full id/);
    expect(() => inputsOfId('taskCollection', 'TaskCollection', 'yard/j1')).toThrow(
      /TaskCollection can't be looked up/,
    );
  });
  it('are there for every kind but sets of tasks', () => {
    const looked = [...Object.keys(SHORT), 'image', 'taskCollection'].sort();
    expect(looked).toEqual([...KIND_NAMES].sort());
  });
});

it('URNs give project, stack, type and name, also below components and with :: in the name', () => {
  expect(partsOfUrn('urn:pulumi:dev::web::my:a:B$batchyard:index:Pool::blue::1')).toEqual({
    stack: 'dev',
    project: 'web',
    type: 'batchyard:index:Pool',
    name: 'blue::1',
  });
});
