import { formatTime } from '../../../protocol/time.js';
import { jobScheduleAdd } from '../../commands/job-schedule/add.js';
import { jobScheduleDelete } from '../../commands/job-schedule/delete.js';
import { jobScheduleDisable } from '../../commands/job-schedule/disable.js';
import { jobScheduleEnable } from '../../commands/job-schedule/enable.js';
import { jobSchedulePatch } from '../../commands/job-schedule/patch.js';
import {
  jobSchedulePreviewRuns,
  jobSchedulePreviewUnsavedRuns,
} from '../../commands/job-schedule/preview-runs.js';
import { jobScheduleTerminate } from '../../commands/job-schedule/terminate.js';
import { jobScheduleUpdate } from '../../commands/job-schedule/update.js';
import { jobScheduleGet } from '../../queries/job-schedule/get.js';
import { jobScheduleList } from '../../queries/job-schedule/list.js';
import { commandInput, idOf, queryContext } from './call-input.js';
import { listInput, readInput } from './list-query.js';
import type { Call } from '../call.js';
import {
  sendAdded,
  sendChanged,
  sendEntity,
  sendExists,
  sendJson,
  sendList,
  sendNothing,
} from './reply.js';
import type { Handlers, IdsOf } from './router.js';

/** Runs that a preview tells unless it is asked for more. */
const PREVIEWED = 10;

const sendRuns = (call: Call<unknown>, runs: readonly number[]) =>
  sendJson(call, 'previewedruns', { value: runs.map((run) => ({ runTime: formatTime(run) })) });

export const jobScheduleHandlers: Handlers<IdsOf<'JobSchedule'>> = {
  async JobSchedule_Add(call) {
    const reply = await call.ports.submit(jobScheduleAdd(commandInput(call)));
    sendAdded(call, `/jobschedules/${reply.id}`, reply);
  },
  async JobSchedule_List(call) {
    sendList(call, 'jobschedules', await jobScheduleList(queryContext(call), listInput(call)));
  },
  async JobSchedule_Get(call) {
    const input = { ...readInput(call), jobScheduleId: idOf(call, 'jobScheduleId') };
    sendEntity(call, 'jobschedules', await jobScheduleGet(queryContext(call), input));
  },
  async JobSchedule_Exists(call) {
    const input = { account: call.account, jobScheduleId: idOf(call, 'jobScheduleId') };
    sendExists(call, await jobScheduleGet(queryContext(call), input));
  },
  async JobSchedule_Patch(call) {
    const input = commandInput(call, 'jobScheduleId');
    sendChanged(call, await call.ports.submit(jobSchedulePatch(input)));
  },
  async JobSchedule_Update(call) {
    const input = commandInput(call, 'jobScheduleId');
    sendChanged(call, await call.ports.submit(jobScheduleUpdate(input)));
  },
  async JobSchedule_Delete(call) {
    await call.ports.submit(jobScheduleDelete(commandInput(call, 'jobScheduleId')));
    sendNothing(call);
  },
  async JobSchedule_Disable(call) {
    const input = commandInput(call, 'jobScheduleId');
    sendChanged(call, await call.ports.submit(jobScheduleDisable(input)));
  },
  async JobSchedule_Enable(call) {
    const input = commandInput(call, 'jobScheduleId');
    sendChanged(call, await call.ports.submit(jobScheduleEnable(input)));
  },
  async JobSchedule_PreviewRuns(call) {
    const count = listInput(call).maxresults ?? PREVIEWED;
    const input = { ...commandInput(call, 'jobScheduleId'), count };
    sendRuns(call, await call.ports.submit(jobSchedulePreviewRuns(input)));
  },
  async JobSchedule_PreviewUnsavedRuns(call) {
    sendRuns(call, await call.ports.submit(jobSchedulePreviewUnsavedRuns(commandInput(call))));
  },
  async JobSchedule_Terminate(call) {
    const input = commandInput(call, 'jobScheduleId');
    sendChanged(call, await call.ports.submit(jobScheduleTerminate(input)));
  },
};
