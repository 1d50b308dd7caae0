import { accountOf, userMetadata } from '../account-of.js';
import { armId } from '../arm-id.js';
import { about } from '../failure.js';
import { given, objectOf, type Properties } from '../json.js';
import { ACCOUNT_SHAPE, type LookUp } from './look-up.js';

export const getJob: LookUp = {
  shape: { ...ACCOUNT_SHAPE, jobId: 'text' },
  required: ['accountName', 'jobId'],
  read: (args, ports) =>
    about(`Job ${String(args.jobId)} (account ${String(args.accountName)})`, async () => {
      const account = accountOf(args);
      const jobId = String(args.jobId);
      const found = await ports.data(account).job.get(jobId);
      const execution = objectOf(found.executionInfo);
      return given({
        id: armId(account, 'jobs', jobId),
        ...account,
        jobId,
        ...described(found),
        priority: found.priority ?? 0,
        // An auto pool's own name is only known here.
        poolId: execution.poolId ?? objectOf(found.poolInfo).poolId,
        onAllTasksComplete: found.onAllTasksComplete,
        startTime: execution.startTime,
        endTime: execution.endTime,
        terminateReason: execution.terminateReason,
      });
    }),
};

export const getJobSchedule: LookUp = {
  shape: { ...ACCOUNT_SHAPE, jobScheduleId: 'text' },
  required: ['accountName', 'jobScheduleId'],
  read: (args, ports) =>
    about(
      `JobSchedule ${String(args.jobScheduleId)} (account ${String(args.accountName)})`,
      async () => {
        const account = accountOf(args);
        const jobScheduleId = String(args.jobScheduleId);
        const found = await ports.data(account).jobSchedule.get(jobScheduleId);
        const execution = objectOf(found.executionInfo);
        return given({
          id: armId(account, 'jobSchedules', jobScheduleId),
          ...account,
          jobScheduleId,
          ...described(found),
          nextRunTime: execution.nextRunTime,
          recentJobId: objectOf(execution.recentJob).id,
          endTime: execution.endTime,
        });
      },
    ),
};

/** What jobs and schedules have in common. */
const described = (found: Properties): Properties => ({
  displayName: found.displayName,
  state: found.state,
  metadata: userMetadata(found.metadata),
  creationTime: found.creationTime,
});
