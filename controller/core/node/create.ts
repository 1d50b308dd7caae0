import { nodeKey } from '../../../protocol/keys.js';
import { poolVersion } from '../pool/late-changes.js';
import type { Pool } from '../pool/state.js';
import type { Recorder } from '../recorder.js';
import { placeNode } from './place.js';
import type { Node } from './state.js';
import { freshSession, fullLease } from './transition.js';

/** A new node of the pool, as yet only wanted. Ids look as Azure's do: `tvmps_{64 hex}_d` or `_p`. */
export function createNode(
  recorder: Recorder,
  pool: Pool,
  isDedicated: boolean,
  place?: { hypervisor: string; hostDevices: readonly string[] },
): Node {
  const id = `tvmps_${recorder.random.hex(32)}_${isDedicated ? 'd' : 'p'}`;
  const number = pool.nextNodeNumber ?? 0;
  pool.nextNodeNumber = number + 1;
  recorder.changed('pool', pool);
  const node: Node = {
    key: nodeKey(pool.key, id),
    pool: pool.key,
    account: pool.account,
    id,
    isDedicated,
    number,
    state: 'creating',
    stateTransitionTime: recorder.now,
    schedulingState: 'enabled',
    allocationTime: recorder.now,
    incarnation: 1,
    lastEventSequence: 0,
    poolVersion: poolVersion(pool),
    errors: [],
    totalTasksRun: 0,
    totalTasksSucceeded: 0,
    runningTasksCount: 0,
    runningTaskSlotsCount: 0,
    session: freshSession(fullLease(recorder)),
  };
  if (place !== undefined) placeNode(node, place.hypervisor, place.hostDevices);
  recorder.state.addNode(node);
  recorder.changed('node', node);
  return node;
}
