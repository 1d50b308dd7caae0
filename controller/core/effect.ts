import type { AttemptRef } from '../../protocol/agent/message.js';
import type { NodeKey, PoolKey, TaskKey } from '../../protocol/keys.js';

interface ToNode {
  nodeKey: NodeKey;
  incarnation: number;
}

/**
 * What the core asks of the world, as data. Effects leave only after the commit of the tick that asked
 * for them, may run twice after a crash, and answer with events, never with state.
 */
export type Effect =
  /**
   * Make the provider's nodes what the state says; the executor reads both itself:
   *   state creating, rebooting, reimaging   this `incarnation` shall exist; an older one is destroyed
   *                                          first (rebooting keeps its disk). Then nodeProvisioned.
   *   leaving.drained                        shall not exist. Then nodeGone. (A leaving node that is not
   *                                          drained is left alone: its tasks are still being dealt with.)
   *   preempted, preempting.drained          the same. (While it is not drained: left alone. Without
   *                                          `preempting`: shall not exist, and nothing is answered.)
   *   any other state                        shall exist; if it does not: nodeGone.
   *   no row                                 shall not exist.
   * A node belongs on its `hypervisor`; what is found of it elsewhere shall not exist. Of a hypervisor that
   * does not answer nothing is known: its nodes are left alone, and hypervisorSeen tells of it.
   */
  | { type: 'reconcilePool'; poolKey: PoolKey }
  /** Copy what its guest wrote on its console to the object store. Then consoleKept, where there is any. */
  | ({ type: 'keepConsole' } & ToNode)
  | ({ type: 'welcomeAgent'; sessionId: string; acknowledged: number } & ToNode)
  | ({ type: 'configureNode' } & ToNode)
  | ({
      type: 'sendAssignments';
      attempts: { taskKey: TaskKey; attempt: number; again?: true }[];
    } & ToNode)
  | ({ type: 'stopAttempts'; attempts: AttemptRef[] } & ToNode)
  /** Every part of these multi-instance attempts is coordinated: their primaries go on. */
  | ({ type: 'proceedAttempts'; attempts: AttemptRef[] } & ToNode)
  | ({ type: 'acknowledgeEvents'; sequence: number } & ToNode)
  | ({ type: 'grantLease'; heartbeat: number; leaseMs: number } & ToNode)
  | ({ type: 'removeDirectories'; directories: string[] } & ToNode)
  /** The session belongs to an old incarnation or was replaced. */
  | ({ type: 'closeSession'; sessionId: string } & ToNode);
