import { BatchCluster, Job } from '@batchyard/pulumi';

const cluster = new BatchCluster('cluster', { nodes: { minimum: 1, maximum: 4 } });
const { accountName, accountKey, poolInfo } = cluster;
const job = new Job('hello', {
  accountName,
  jobId: 'hello',
  poolInfo,
  onAllTasksComplete: 'terminatejob',
  tasks: [{ id: 'world', commandLine: 'echo hello world' }],
});

module.exports = { accountName, accountKey, jobId: job.jobId };
