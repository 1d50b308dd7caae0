import * as batchyard from '@batchyard/pulumi';

const { accountName, primaryKey } = new batchyard.Account('account', { accountName: 'packages' });
const application = new batchyard.Application('greeter', {
  accountName,
  applicationName: 'greeter',
  displayName: 'Greets',
});
// A folder is made a zip file; other content replaces the package, so give it another version then.
const greeter = new batchyard.ApplicationPackage('greeter', {
  accountName,
  applicationName: application.applicationName,
  versionName: '1.0',
  source: 'greeter',
  isDefault: true,
});
const pool = new batchyard.Pool('pool', {
  accountName,
  poolName: 'greeters',
  vmSize: 'standard_a1_v2',
  deploymentConfiguration: {
    virtualMachineConfiguration: {
      imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local' },
      nodeAgentSkuId: 'batch.node.process',
    },
  },
  scaleSettings: { fixedScale: { targetDedicatedNodes: 1 } },
  applicationPackages: [{ id: greeter.id }],
  rollNodes: {}, // nodes that exist take another version by a reboot, one after the other
});
const job = new batchyard.Job('job', {
  accountName,
  jobId: 'greet',
  poolInfo: { poolId: pool.poolName },
  onAllTasksComplete: 'terminatejob',
  tasks: [
    {
      id: 'greet',
      commandLine: `/bin/sh -c '"$AZ_BATCH_APP_PACKAGE_greeter_1_0/greet.sh" world'`,
    },
  ],
});

module.exports = { accountName, accountKey: primaryKey, jobId: job.jobId };
