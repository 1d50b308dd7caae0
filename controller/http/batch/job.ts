import { jobAdd } from '../../commands/job/add.js';
import { jobDelete } from '../../commands/job/delete.js';
import { jobDisable } from '../../commands/job/disable.js';
import { jobEnable } from '../../commands/job/enable.js';
import { jobPatch } from '../../commands/job/patch.js';
import { jobTerminate } from '../../commands/job/terminate.js';
import { jobUpdate } from '../../commands/job/update.js';
import { jobGet } from '../../queries/job/get.js';
import { jobGetAllLifetimeStatistics } from '../../queries/job/get-all-lifetime-statistics.js';
import { jobGetTaskCounts } from '../../queries/job/get-task-counts.js';
import { jobList } from '../../queries/job/list.js';
import { jobListPreparationAndReleaseTaskStatus } from '../../queries/job/list-preparation-and-release-task-status.js';
import { jobListFromJobSchedule } from '../../queries/job/list-from-job-schedule.js';
import { jobListSpecialTaskAttempts } from '../../queries/job/list-special-task-attempts.js';
import { sendSpecialTaskAttemptLog } from './attempt-log.js';
import { commandInput, idOf, queryContext } from './call-input.js';
import { listInput, readInput } from './list-query.js';
import { sendAdded, sendChanged, sendEntity, sendJson, sendList, sendNothing } from './reply.js';
import type { Handlers, IdsOf } from './router.js';

export const jobHandlers: Handlers<IdsOf<'Job'>> = {
  async Job_Add(call) {
    const reply = await call.ports.submit(jobAdd(commandInput(call)));
    sendAdded(call, `/jobs/${reply.id}`, reply);
  },
  async Job_List(call) {
    sendList(call, 'jobs', await jobList(queryContext(call), listInput(call)));
  },
  async Job_ListFromJobSchedule(call) {
    const input = { ...listInput(call), jobScheduleId: idOf(call, 'jobScheduleId') };
    sendList(call, 'jobs', await jobListFromJobSchedule(queryContext(call), input));
  },
  async Job_Get(call) {
    const input = { ...readInput(call), jobId: idOf(call, 'jobId') };
    sendEntity(call, 'jobs', await jobGet(queryContext(call), input));
  },
  async Job_Patch(call) {
    sendChanged(call, await call.ports.submit(jobPatch(commandInput(call, 'jobId'))));
  },
  async Job_Update(call) {
    sendChanged(call, await call.ports.submit(jobUpdate(commandInput(call, 'jobId'))));
  },
  async Job_Delete(call) {
    await call.ports.submit(jobDelete(commandInput(call, 'jobId')));
    sendNothing(call);
  },
  async Job_Disable(call) {
    sendChanged(call, await call.ports.submit(jobDisable(commandInput(call, 'jobId'))));
  },
  async Job_Enable(call) {
    sendChanged(call, await call.ports.submit(jobEnable(commandInput(call, 'jobId'))));
  },
  async Job_Terminate(call) {
    sendChanged(call, await call.ports.submit(jobTerminate(commandInput(call, 'jobId'))));
  },
  async Job_ListPreparationAndReleaseTaskStatus(call) {
    const input = { ...listInput(call), jobId: idOf(call, 'jobId') };
    const page = await jobListPreparationAndReleaseTaskStatus(queryContext(call), input);
    sendList(call, 'jobpreparationandreleasetaskstatuslist', page);
  },
  async Job_ListSpecialTaskAttempts(call) {
    const input = { ...listInput(call), jobId: idOf(call, 'jobId') };
    sendList(call, 'attempts', await jobListSpecialTaskAttempts(queryContext(call), input));
  },
  Job_GetSpecialTaskAttemptLog: sendSpecialTaskAttemptLog,
  async Job_GetAllLifetimeStatistics(call) {
    const found = await jobGetAllLifetimeStatistics(queryContext(call), call);
    sendJson(call, 'jobstats/@Element', found);
  },
  async Job_GetTaskCounts(call) {
    const input = { account: call.account, jobId: idOf(call, 'jobId') };
    const counts = await jobGetTaskCounts(queryContext(call), input);
    sendJson(call, 'taskcountsresult/@Element', counts.body);
  },
};
