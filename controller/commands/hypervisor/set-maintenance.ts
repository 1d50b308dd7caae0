import { switchMaintenance } from '../../core/hypervisor/maintenance.js';
import { hypervisorOverview } from '../../core/hypervisor/overview.js';
import type { HypervisorOverview } from '../../core/hypervisor/overview.js';
import type { Command } from '../../engine/command.js';

/** Drains a hypervisor, or lets it take nodes again; undefined: there is none of the name. */
export const hypervisorSetMaintenance = (
  name: string,
  maintenance: boolean,
): Command<HypervisorOverview | undefined> => ({
  name: 'hypervisorSetMaintenance',
  run(transaction) {
    const host = (transaction.settings.hypervisors ?? []).find((one) => one.name === name);
    if (host === undefined) return undefined;
    switchMaintenance(transaction, host, maintenance);
    return hypervisorOverview(transaction).find((one) => one.name === name);
  },
});
