import { jobScheduleAdd } from '../../commands/job-schedule/add.js';
import { jobScheduleDelete } from '../../commands/job-schedule/delete.js';
import { jobScheduleDisable } from '../../commands/job-schedule/disable.js';
import { jobScheduleEnable } from '../../commands/job-schedule/enable.js';
import { jobSchedulePatch } from '../../commands/job-schedule/patch.js';
import { jobScheduleTerminate } from '../../commands/job-schedule/terminate.js';
import { jobScheduleUpdate } from '../../commands/job-schedule/update.js';
import { jobScheduleGet } from '../../queries/job-schedule/get.js';
import { jobScheduleList } from '../../queries/job-schedule/list.js';
import { commandInput, idOf, queryContext } from './call-input.js';
import { listInput, readInput } from './list-query.js';
import { sendAdded, sendChanged, sendEntity, sendExists, sendList, sendNothing } from './reply.js';
import type { Handlers, IdsOf } from './router.js';

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
  async JobSchedule_Terminate(call) {
    const input = commandInput(call, 'jobScheduleId');
    sendChanged(call, await call.ports.submit(jobScheduleTerminate(input)));
  },
};
