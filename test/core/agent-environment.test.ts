import { expect, test } from 'vitest';
import { buildEnvironment } from '../../agent/core/environment.js';
import type { Assignment, NodeConfiguration } from '../../protocol/agent/assignment.js';

/** The contract's section 7.5, all of it, for a part of a multi-instance task that has everything. */
const EXPECTED = {
  AZ_BATCH_ACCOUNT_NAME: 'acct',
  AZ_BATCH_ACCOUNT_URL: 'https://acct.example/',
  AZ_BATCH_POOL_ID: 'pool',
  AZ_BATCH_NODE_ID: 'node',
  AZ_BATCH_NODE_IS_DEDICATED: 'false',
  AZ_BATCH_NODE_ROOT_DIR: '/r',
  AZ_BATCH_NODE_SHARED_DIR: '/r/shared',
  AZ_BATCH_NODE_STARTUP_DIR: '/r/startup',
  AZ_BATCH_NODE_MOUNTS_DIR: '/r/fsmounts',
  AZ_BATCH_TASK_DIR: '/r/t',
  AZ_BATCH_TASK_WORKING_DIR: '/r/t/wd',
  AZ_BATCH_TASK_RESERVED_EPHEMERAL_DISK_SPACE_BYTES: '500',
  AZ_BATCH_CERTIFICATES_DIR: '/r/t/certs',
  AZ_BATCH_JOB_ID: 'job',
  AZ_BATCH_TASK_ID: 'task',
  AZ_BATCH_JOB_PREP_DIR: '/r/prep',
  AZ_BATCH_JOB_PREP_WORKING_DIR: '/r/prep/wd',
  AZ_BATCH_APP_PACKAGE_Blender_2_8: '/r/applications/Blender/2.8',
  AZ_BATCH_APP_PACKAGE_blender_2_8: '/r/applications/Blender/2.8',
  AZ_BATCH_APP_PACKAGE_Blender: '/r/applications/Blender/2.8',
  AZ_BATCH_AUTHENTICATION_TOKEN: 'token',
  AZ_BATCH_HOST_LIST: '10.0.0.4,10.0.0.5',
  AZ_BATCH_NODE_LIST: '10.0.0.4;10.0.0.5',
  AZ_BATCH_MASTER_NODE: '10.0.0.4:6000',
  AZ_BATCH_IS_CURRENT_NODE_MASTER: 'true',
  AZ_BATCH_TASK_SHARED_DIR: '/r/t',
  CCP_NODES: '2 10.0.0.4 2 10.0.0.5 2',
};
const configuration: NodeConfiguration = {
  accountName: 'acct',
  accountUrl: 'https://acct.example/',
  poolId: 'pool',
  nodeId: 'node',
  isDedicated: false,
  taskSlotsPerNode: 2,
  certificates: [],
};
const places = {
  rootDirectory: '/r',
  taskDirectory: '/r/t',
  workingDirectory: '/r/t/wd',
  certificatesDirectory: '/r/t/certs',
  diskBytes: 1_000,
};
const whole = (environmentSettings: Assignment['environmentSettings']): Assignment => ({
  taskKey: 'acct/job/task',
  attempt: 1,
  jobId: 'job',
  taskId: 'task',
  directory: 't',
  requiredSlots: 1,
  commandLine: 'true',
  environmentSettings,
  resourceFiles: [],
  outputFiles: [],
  jobPreparationDirectory: 'prep',
  authenticationToken: 'token',
  applicationPackages: [
    { applicationId: 'Blender', version: '2.8', url: 'http://x/', md5: 'x', isDefault: true },
  ],
  multiInstance: {
    subtaskId: 0,
    coordinationCommandLine: 'true',
    commonResourceFiles: [],
    sharedDirectory: 't',
    hosts: ['10.0.0.4', '10.0.0.5'],
    coresPerHost: 2,
  },
});

test('a task has every variable of the contract', () => {
  expect(buildEnvironment({}, configuration, places, whole([]))).toMatchObject(EXPECTED);
});

test.each(Object.keys(EXPECTED))('no setting of a job or task replaces %s', (name) => {
  const forged = whole([
    { name, value: 'forged' },
    { name: 'MINE', value: 'kept' },
  ]);
  const environment = buildEnvironment({ [name]: 'the node’s' }, configuration, places, forged);
  expect(environment).toMatchObject({ ...EXPECTED, MINE: 'kept' });
});

test('a start task has what is of a node, and nothing of a task', () => {
  const { commandLine, environmentSettings, resourceFiles } = whole([]);
  const program = { commandLine, environmentSettings, resourceFiles };
  const names = Object.keys(buildEnvironment({}, configuration, places, program));
  expect(names).toContain('AZ_BATCH_TASK_WORKING_DIR');
  expect(
    names.filter((name) => /JOB|TASK_ID|TOKEN|LIST|MASTER|CCP|PACKAGE|SHARED_DIR$/.test(name)),
  ).toEqual(['AZ_BATCH_NODE_SHARED_DIR']);
});
