import * as batchyard from '@batchyard/pulumi';

const { accountName, primaryKey } = new batchyard.Account('account', {
  accountName: 'lowpriority',
});
const pool = new batchyard.Pool('pool', {
  accountName,
  poolName: 'mixed',
  vmSize: 'standard_a1_v2',
  deploymentConfiguration: {
    virtualMachineConfiguration: {
      imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local' },
      nodeAgentSkuId: 'batch.node.process',
    },
  },
  scaleSettings: {
    fixedScale: {
      targetDedicatedNodes: 1, // stays whatever happens
      targetLowPriorityNodes: 1, // may be taken away at any time
      nodeDeallocationOption: 'TaskCompletion',
    },
  },
});
const job = new batchyard.Job('job', {
  accountName,
  jobId: 'patient',
  poolInfo: { poolId: pool.poolName },
  onAllTasksComplete: 'terminatejob',
  // A task whose node is taken away starts again on another one: that is no failure and uses up no retry.
  tasks: Array.from({ length: 4 }, (_, n) => ({
    id: `step-${n}`,
    commandLine: `/bin/sh -c 'test -e $AZ_BATCH_TASK_WORKING_DIR && echo dedicated: $AZ_BATCH_NODE_IS_DEDICATED'`,
  })),
});

module.exports = { accountName, accountKey: primaryKey, poolId: pool.poolName, jobId: job.jobId };
