import * as batchyard from '@batchyard/pulumi';
import * as pulumi from '@pulumi/pulumi';

const config = new pulumi.Config();
const most = config.getNumber('most') ?? 4;
const evaluationInterval = config.get('evaluationInterval') ?? 'PT5M';

const { accountName, primaryKey } = new batchyard.Account('account', { accountName: 'autoscale' });
const pool = new batchyard.Pool('pool', {
  accountName,
  poolName: 'elastic',
  vmSize: 'standard_a1_v2',
  deploymentConfiguration: {
    virtualMachineConfiguration: {
      imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local' },
      nodeAgentSkuId: 'batch.node.process',
    },
  },
  scaleSettings: {
    autoScale: {
      evaluationInterval,
      // One node until there are samples; then as many as tasks wait, and none when there is no work.
      // A node that goes finishes its task first.
      formula: `
        known = $PendingTasks.GetSamplePercent(TimeInterval_Minute) >= 50;
        waiting = known ? max($PendingTasks.GetSample(TimeInterval_Minute)) : 1;
        $TargetDedicatedNodes = min(${most}, waiting);
        $NodeDeallocationOption = taskcompletion;`,
    },
  },
});
const job = new batchyard.Job('job', {
  accountName,
  jobId: 'many',
  poolInfo: { poolId: pool.poolName },
  onAllTasksComplete: 'terminatejob',
  tasks: Array.from({ length: 8 }, (_, n) => ({ id: `task-${n}`, commandLine: `echo ${n}` })),
});

module.exports = { accountName, accountKey: primaryKey, poolId: pool.poolName, jobId: job.jobId };
