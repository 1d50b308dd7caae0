import * as batchyard from '@batchyard/pulumi';
import * as pulumi from '@pulumi/pulumi';

const token = new pulumi.Config().getSecret('token') ?? pulumi.secret('a token for nodes only');

const { accountName, primaryKey } = new batchyard.Account('account', { accountName: 'secrets' });
const certificate = new batchyard.Certificate('certificate', {
  accountName,
  selfSigned: { commonName: 'nodes.example' },
  secrets: { token },
});
// What lies in the container is encrypted for the certificate: useless without the nodes' private key.
const files = new batchyard.StorageContainer('files', {
  accountName,
  containerName: 'files',
  files: { 'decrypt.sh': 'decrypt.sh' },
  contents: { 'token.pem': certificate.encryptedSecrets.apply(({ token = '' }) => token) },
});
const pool = new batchyard.Pool('pool', {
  accountName,
  poolName: 'trusted',
  vmSize: 'standard_a1_v2',
  deploymentConfiguration: {
    virtualMachineConfiguration: {
      imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local' },
      nodeAgentSkuId: 'batch.node.process',
    },
  },
  scaleSettings: { fixedScale: { targetDedicatedNodes: 1 } },
  certificates: [{ id: certificate.id }],
});
const job = new batchyard.Job('job', {
  accountName,
  jobId: 'decrypt',
  poolInfo: { poolId: pool.poolName },
  onAllTasksComplete: 'terminatejob',
  tasks: [
    {
      id: 'decrypt',
      commandLine: '/bin/sh decrypt.sh token.pem',
      resourceFiles: [{ autoStorageContainerName: files.containerName }],
      environmentSettings: [{ name: 'THUMBPRINT', value: certificate.thumbprint }],
    },
  ],
});

module.exports = { accountName, accountKey: primaryKey, jobId: job.jobId };
