import { HypervisorPatch } from '../../../protocol/management/hypervisor.js';
import { validate } from '../../../protocol/batch/validation.js';
import { hypervisorList } from '../../commands/hypervisor/overview.js';
import { hypervisorSetMaintenance } from '../../commands/hypervisor/set-maintenance.js';
import type { HypervisorOverview } from '../../core/hypervisor/overview.js';
import type { ManagementCall, ManagementHandler } from './call.js';
import { nameOf, sendJson, sendList } from './call.js';
import { resourceNotFound } from './errors.js';

/** Hypervisors of the configuration: an extension (docs/extensions.md). */
const TYPE = 'Microsoft.Batch/locations/hypervisors';

const limited = (amounts: Record<string, number>) =>
  Object.fromEntries(Object.entries(amounts).filter(([, amount]) => Number.isFinite(amount)));

function armHypervisor(call: ManagementCall, found: HypervisorOverview): object {
  const { name, nodeProvider, capacity, used, dedicatedNodes, lowPriorityNodes, ...rest } = found;
  const [subscription, location] = [nameOf(call, 'subscriptionId'), nameOf(call, 'location')];
  return {
    id: `/subscriptions/${subscription}/providers/Microsoft.Batch/locations/${location}/hypervisors/${encodeURIComponent(name)}`,
    name,
    type: TYPE,
    properties: {
      provider: nodeProvider,
      ...rest,
      // What is not limited is left out.
      capacity: limited({ ...capacity }),
      used,
      currentDedicatedNodes: dedicatedNodes,
      currentLowPriorityNodes: lowPriorityNodes,
    },
  };
}

const notFound = (call: ManagementCall) =>
  resourceNotFound(`hypervisors/${nameOf(call, 'hypervisorName')}`);

export const listHypervisors: ManagementHandler = async (call) => {
  const found = await call.ports.submit(hypervisorList());
  sendList(
    call,
    found.map((one) => armHypervisor(call, one)),
  );
};

export const getHypervisor: ManagementHandler = async (call) => {
  const all = await call.ports.submit(hypervisorList());
  const found = all.find(({ name }) => name === nameOf(call, 'hypervisorName'));
  if (found === undefined) throw notFound(call);
  sendJson(call, armHypervisor(call, found));
};

/** Maintenance on or off: 200 once that is durable; nodes leave when their tasks have ended. */
export const updateHypervisor: ManagementHandler = async (call) => {
  const { properties } = validate(HypervisorPatch, call.body ?? {});
  const name = nameOf(call, 'hypervisorName');
  const found = await call.ports.submit(hypervisorSetMaintenance(name, properties.maintenance));
  if (found === undefined) throw notFound(call);
  sendJson(call, armHypervisor(call, found));
};
