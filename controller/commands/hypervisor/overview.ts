import { hypervisorOverview } from '../../core/hypervisor/overview.js';
import type { HypervisorOverview } from '../../core/hypervisor/overview.js';
import type { Command } from '../../engine/command.js';

/** Hypervisors with what they have and give away. Changes nothing. */
export const hypervisorList = (): Command<HypervisorOverview[]> => ({
  name: 'hypervisorList',
  run: (transaction) => hypervisorOverview(transaction),
});
