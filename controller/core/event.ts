import type { NodeForward } from './node/state.js';
import type { SequencedEvent } from '../../protocol/agent/event.js';
import type { AttemptRef, NodeMetrics } from '../../protocol/agent/message.js';
import type { KeptLog } from './task/history.js';
import type { NodeKey } from '../../protocol/keys.js';
import type { Capacity } from './settings.js';

interface FromNode {
  nodeKey: NodeKey;
  incarnation: number;
}

/** Every fact that comes back from the world. One of an old incarnation changes nothing. */
export type Event =
  /** The provider has it: creating → starting. */
  | ({
      type: 'nodeProvisioned';
      ipAddress?: string;
      hypervisor?: string;
      forwards?: readonly NodeForward[];
    } & FromNode)
  | ({ type: 'nodeProvisionFailed'; code: string; message: string } & FromNode)
  /** The provider has nothing of this incarnation any more (destroyed as asked, or died by itself). */
  | ({ type: 'nodeGone' } & FromNode)
  /** It can't go on, as there is no room for what it writes; without a message: it can again. */
  | ({ type: 'nodeStalled'; message?: string } & FromNode)
  /** What the guest of this incarnation wrote last, without control characters. */
  | ({ type: 'consoleKept'; lastLines: string } & FromNode)
  | ({
      type: 'agentConnected';
      sessionId: string;
      agentVersion: string;
      configured: boolean;
      /** A new process that goes on where an earlier one ended: it must be told again what it shall be. */
      resumed?: boolean;
      held: AttemptRef[];
      remarks: string[];
      ipAddress?: string;
      /** Highest number in its spool: what it seems to miss may be in there (0: nothing). */
      lastSequence?: number;
    } & FromNode)
  | ({ type: 'agentDisconnected'; sessionId: string } & FromNode)
  | ({ type: 'heartbeatReceived'; heartbeat: number; metrics?: NodeMetrics } & FromNode)
  | ({ type: 'agentReported'; events: SequencedEvent[] } & FromNode)
  /** What a provider found of one of its hypervisors; told when it is not what was told before. */
  | {
      type: 'hypervisorSeen';
      hypervisor: string;
      reachable: boolean;
      /** Why not, and what helps. */
      reason?: string;
      capacity?: Capacity;
    }
  /** Logs in the object store were looked at: some are deleted, the others are looked at again. */
  | { type: 'logsSwept'; stay: KeptLog[]; gone: string[] }
  /** Short outputs that expired by then shall go. */
  | { type: 'logsExpired'; at: number }
  /** A deadline of some entity has come; the core finds out which. */
  | { type: 'clockReached' };
