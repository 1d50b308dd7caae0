import type { AccountKey } from '../../../protocol/keys.js';
import type { Recorder } from '../recorder.js';
import { isLive } from './transition.js';

/** True where the account may have one more active job or schedule. */
export function hasQuota(recorder: Recorder, account: AccountKey): boolean {
  const quota = recorder.state.accounts.get(account)?.quotas.activeJobsAndSchedules ?? Infinity;
  if (quota === Infinity) return true;
  let count = 0;
  for (const job of recorder.state.jobs.values())
    if (job.account === account && isLive(job)) count += 1;
  for (const schedule of recorder.state.jobSchedules.values())
    if (
      schedule.account === account &&
      (schedule.state === 'active' || schedule.state === 'disabled')
    )
      count += 1;
  return count < quota;
}
