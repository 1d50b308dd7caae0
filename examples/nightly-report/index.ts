import * as batchyard from '@batchyard/pulumi';
import * as pulumi from '@pulumi/pulumi';

const config = new pulumi.Config();
const cronExpression = config.get('cron') ?? '30 2 * * *';
const timeZone = config.get('timeZone') ?? 'Europe/Berlin';

const { accountName, accountKey, poolInfo, output } = new batchyard.BatchCluster('reports');
const schedule = new batchyard.JobSchedule('nightly', {
  accountName,
  jobScheduleId: 'nightly-report',
  schedule: { cronExpression, timeZone },
  jobSpecification: {
    poolInfo,
    jobManagerTask: {
      id: 'report',
      commandLine: `/bin/sh -c 'date > report.txt; df -h >> report.txt'`,
      outputFiles: [
        {
          filePattern: 'report.txt',
          destination: {
            container: { containerUrl: output.containerUrl, path: 'nightly/report.txt' },
          },
          uploadOptions: { uploadCondition: 'tasksuccess' },
        },
      ],
      constraints: { maxTaskRetryCount: 2, maxWallClockTime: 'PT1H' },
    },
  },
});

module.exports = { accountName, accountKey, jobScheduleId: schedule.jobScheduleId };
