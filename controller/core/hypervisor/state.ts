import type { Capacity } from '../settings.js';

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
