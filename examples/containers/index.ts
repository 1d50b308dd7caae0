import * as pulumi from '@pulumi/pulumi';
import * as batchyard from '@batchyard/pulumi';

const config = new pulumi.Config();
const image = config.get('image') ?? 'docker.io/library/busybox:stable';

const { accountName, primaryKey } = new batchyard.Account('account', { accountName: 'containers' });
const pool = new batchyard.Pool('pool', {
  accountName,
  poolName: 'containers',
  vmSize: 'standard_a1_v2',
  deploymentConfiguration: {
    virtualMachineConfiguration: {
      imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local' },
      nodeAgentSkuId: 'batch.node.process',
      // Pulled before a node takes tasks.
      containerConfiguration: { type: 'DockerCompatible', containerImageNames: [image] },
    },
  },
  scaleSettings: { fixedScale: { targetDedicatedNodes: 1 } },
});
const job = new batchyard.Job('job', {
  accountName,
  jobId: 'inside',
  poolInfo: { poolId: pool.poolName },
  onAllTasksComplete: 'terminatejob',
  tasks: [
    {
      id: 'inside',
      commandLine: '/bin/sh -c "echo in a container, as task $AZ_BATCH_TASK_ID"',
      containerSettings: { imageName: image, containerRunOptions: '--network none' },
    },
  ],
});

module.exports = { accountName, accountKey: primaryKey, jobId: job.jobId };
