import { hypervisorKey } from '../../../protocol/keys.js';
import type { Recorder } from '../recorder.js';
import type { Hypervisor } from '../settings.js';
import { roomChanged } from './seen.js';

/** What was switched while the controller ran counts, else what is configured. */
export const isInMaintenance = (
  { state }: Recorder,
  { name, maintenance }: Pick<Hypervisor, 'name' | 'maintenance'>,
): boolean => state.hypervisorSwitches.get(hypervisorKey(name))?.maintenance ?? maintenance;

/**
 * Switches maintenance on or off; what the configuration says anyway is forgotten. Nodes there leave with
 * the next settling of their pools; those that are leaving already go even where it is switched off again.
 */
export function switchMaintenance(
  recorder: Recorder,
  { name, maintenance: configured }: Hypervisor,
  maintenance: boolean,
): void {
  const { state, now } = recorder;
  const key = hypervisorKey(name);
  const present = state.hypervisorSwitches.get(key);
  if (maintenance === (present?.maintenance ?? configured)) return;
  if (maintenance !== configured) {
    const made = { key, maintenance, since: now };
    state.hypervisorSwitches.set(key, made);
    recorder.changed('hypervisor', made);
  } else if (present !== undefined) {
    state.hypervisorSwitches.delete(key);
    recorder.removed('hypervisor', present);
  }
  for (const node of state.nodes.values())
    if (node.hypervisor === name) state.toSettle.pools.add(node.pool);
  if (!maintenance) roomChanged(recorder);
}
