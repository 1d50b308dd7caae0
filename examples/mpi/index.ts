import * as batchyard from '@batchyard/pulumi';

const { accountName, primaryKey } = new batchyard.Account('account', { accountName: 'mpi' });
const pool = new batchyard.Pool('pool', {
  accountName,
  poolName: 'mpi',
  vmSize: 'standard_a1_v2',
  deploymentConfiguration: {
    virtualMachineConfiguration: {
      imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local' },
      nodeAgentSkuId: 'batch.node.process',
    },
  },
  interNodeCommunication: 'Enabled',
  scaleSettings: { fixedScale: { targetDedicatedNodes: 2 } },
});
const files = new batchyard.StorageContainer('files', {
  accountName,
  containerName: 'files',
  files: { 'run.sh': 'run.sh', 'rank.sh': 'rank.sh' },
});
const job = new batchyard.Job('job', {
  accountName,
  jobId: 'ranks',
  poolInfo: { poolId: pool.poolName },
  onAllTasksComplete: 'terminatejob',
  tasks: [
    {
      id: 'ranks',
      // Runs on the primary, after the coordination command has ended on every node.
      commandLine: '/bin/sh run.sh',
      resourceFiles: [{ autoStorageContainerName: files.containerName, blobPrefix: 'run.sh' }],
      multiInstanceSettings: {
        numberOfInstances: 2,
        // On every node in AZ_BATCH_TASK_SHARED_DIR.
        commonResourceFiles: [
          { autoStorageContainerName: files.containerName, blobPrefix: 'rank.sh' },
        ],
        coordinationCommandLine: '/bin/sh -c "command -v mpirun >/dev/null"',
      },
    },
  ],
});

module.exports = { accountName, accountKey: primaryKey, jobId: job.jobId };
