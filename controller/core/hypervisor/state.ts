import type { HypervisorKey } from '../../../protocol/keys.js';
import type { Capacity } from '../settings.js';

/** What was switched while the controller ran; it outweighs the configuration until it is switched back. */
export interface HypervisorSwitch {
  readonly key: HypervisorKey;
  readonly maintenance: boolean;
  /** Epoch milliseconds. */
  readonly since: number;
}

/** What a hypervisor's provider last said of it. */
export interface HypervisorSight {
  reachable: boolean;
  /** Since when it is (or is not) reachable; epoch milliseconds. */
  since: number;
  /** Why not, and what helps. */
  reason?: string;
  /** What was found there. */
  capacity: Capacity;
}
