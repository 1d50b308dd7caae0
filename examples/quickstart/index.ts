import * as pulumi from '@pulumi/pulumi';
import * as batchyard from '@batchyard/pulumi';
import { taskScripts, textFiles } from './files';

const config = new pulumi.Config();
const folder = config.get('folder') ?? '/usr/share/common-licenses';
const nodes = config.getNumber('nodes') ?? 2;
/** Instead of a fixed number of nodes, such as `$TargetDedicatedNodes = min(4, $PendingTasks.GetSample(1));`. */
const formula = config.get('formula');
const nodeKind = config.get('nodeKind') ?? 'process';
const machines: Record<string, { sku: batchyard.VirtualMachineConfigurationArgs; vmSize: string }> =
  {
    process: {
      sku: {
        imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local' },
        nodeAgentSkuId: 'batch.node.process',
      },
      vmSize: 'standard_a1_v2',
    },
    libvirt: {
      sku: {
        imageReference: { publisher: 'batchyard', offer: 'debian', sku: '12' },
        nodeAgentSkuId: 'batch.node.debian 12',
      },
      vmSize: 'batchyard_tiny',
    },
  };
const machine = machines[nodeKind];
if (machine === undefined)
  throw new Error(`nodeKind is ${nodeKind}; it must be one of ${Object.keys(machines).join(', ')}`);
const files = textFiles(folder);

const account = new batchyard.Account('account', { accountName: 'quickstart' });
const accountName = account.accountName;

// The nodes of the pool get the certificate's private key; nobody else can read what is encrypted for it.
const message =
  config.getSecret('message') ?? pulumi.secret('Only the nodes of this pool can read this.');
const certificate = new batchyard.Certificate('certificate', {
  accountName,
  selfSigned: { commonName: 'quickstart.batchyard' },
  secrets: { message },
});

const input = new batchyard.StorageContainer('input', {
  accountName,
  containerName: 'input',
  files: { ...Object.fromEntries(files.map(({ blob, path }) => [blob, path])), ...taskScripts() },
  contents: { 'message.pem': certificate.encryptedSecrets.apply(({ message = '' }) => message) },
});
const output = new batchyard.StorageContainer('output', { accountName, containerName: 'output' });

const resourceFile = (blob: string, filePath: string) => ({
  httpUrl: pulumi.interpolate`${input.containerUrl}/${encodeURI(blob)}`,
  filePath,
});
const upload = (filePattern: string, path: string): batchyard.OutputFileArgs => ({
  filePattern,
  destination: { container: { containerUrl: output.containerUrl, path } },
  uploadOptions: { uploadCondition: 'tasksuccess' },
});
const certificateThumbprint = { name: 'CERTIFICATE_THUMBPRINT', value: certificate.thumbprint };

const pool = new batchyard.Pool('pool', {
  accountName,
  poolName: 'quickstart',
  vmSize: machine.vmSize,
  deploymentConfiguration: { virtualMachineConfiguration: machine.sku },
  scaleSettings:
    formula === undefined
      ? { fixedScale: { targetDedicatedNodes: nodes, nodeDeallocationOption: 'TaskCompletion' } }
      : { autoScale: { formula } },
  taskSlotsPerNode: 2,
  certificates: [{ id: certificate.id }],
  // Certificates are on the node before its start task runs.
  startTask: {
    commandLine: 'sh start.sh',
    resourceFiles: [resourceFile('tasks/start.sh', 'start.sh')],
    environmentSettings: [certificateThumbprint],
    waitForSuccess: true,
  },
});
const poolInfo = { poolId: pool.poolName };

const jobSchedule = new batchyard.JobSchedule('schedule', {
  accountName,
  jobScheduleId: 'every-15-seconds',
  schedule: { recurrenceInterval: 'PT15S' },
  jobSpecification: {
    poolInfo,
    jobManagerTask: {
      id: 'manager',
      commandLine: `/bin/sh -c 'echo "$AZ_BATCH_JOB_ID was here"'`,
      runExclusive: false,
      killJobOnCompletion: true,
    },
  },
});

const countTasks = files.map(({ blob, name, taskId }): batchyard.TaskArgs & { id: string } => ({
  id: taskId,
  displayName: name,
  commandLine: 'sh count.sh',
  resourceFiles: [resourceFile('tasks/count.sh', 'count.sh'), resourceFile(blob, 'input.txt')],
  outputFiles: [upload('counts.tsv', `counts/${taskId}.tsv`)],
}));
const mergeTask: batchyard.TaskArgs = {
  id: 'merge',
  commandLine: 'sh merge.sh',
  dependsOn: { taskIds: countTasks.map(({ id }) => id) },
  // Through the container, so that it does not matter which node counted what.
  resourceFiles: [
    resourceFile('tasks/merge.sh', 'merge.sh'),
    { autoStorageContainerName: output.containerName, blobPrefix: 'counts/' },
  ],
  outputFiles: [upload('report.json', 'report.json')],
};
const decryptTask: batchyard.TaskArgs & { id: string } = {
  id: 'decrypt',
  commandLine: 'sh decrypt.sh',
  resourceFiles: [
    resourceFile('tasks/decrypt.sh', 'decrypt.sh'),
    resourceFile('message.pem', 'message.pem'),
  ],
  environmentSettings: [certificateThumbprint],
};
const job = new batchyard.Job(
  'job',
  {
    accountName,
    jobId: 'count-words',
    poolInfo,
    usesTaskDependencies: true,
    onAllTasksComplete: 'terminatejob',
    tasks: [decryptTask, ...countTasks, mergeTask],
  },
  { dependsOn: [input, output] },
);

module.exports = {
  accountName,
  accountKey: account.primaryKey,
  poolId: pool.poolName,
  jobId: job.jobId,
  jobScheduleId: jobSchedule.jobScheduleId,
  outputContainer: output.containerName,
  /** What the decrypting task prints. */
  secret: message,
  decryptTaskId: decryptTask.id,
  files: files.length,
};
