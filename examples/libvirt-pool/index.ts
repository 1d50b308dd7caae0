import * as batchyard from '@batchyard/pulumi';
import * as pulumi from '@pulumi/pulumi';

const nodes = new pulumi.Config().getNumber('nodes') ?? 2;

const { accountName, primaryKey } = new batchyard.Account('account', { accountName: 'machines' });
const pool = new batchyard.Pool('pool', {
  accountName,
  poolName: 'machines',
  vmSize: 'batchyard_tiny',
  deploymentConfiguration: {
    virtualMachineConfiguration: {
      imageReference: { publisher: 'batchyard', offer: 'debian', sku: '12' },
      nodeAgentSkuId: 'batch.node.debian 12',
    },
  },
  scaleSettings: { fixedScale: { targetDedicatedNodes: nodes } },
  startTask: { commandLine: '/bin/sh -c "uname -a"', waitForSuccess: true },
});
const job = new batchyard.Job('job', {
  accountName,
  jobId: 'look',
  poolInfo: { poolId: pool.poolName },
  onAllTasksComplete: 'terminatejob',
  tasks: [{ id: 'look', commandLine: `/bin/sh -c 'cat /proc/1/comm /etc/os-release'` }],
});

module.exports = { accountName, accountKey: primaryKey, poolId: pool.poolName, jobId: job.jobId };
