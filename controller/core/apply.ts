import type { Event } from './event.js';
import { hypervisorSeen } from './hypervisor/seen.js';
import { agentConnected, comeBack } from './node/connect.js';
import { consoleKept } from './node/console.js';
import { nodeGone } from './node/lose.js';
import { nodeProvisioned, nodeProvisionFailed } from './node/provision.js';
import { nodeStalled } from './node/stalled.js';
import { heardOfRetention } from './node/retention.js';
import { agentReported } from './node/report.js';
import { fullLease, nodeOf } from './node/transition.js';
import type { Recorder } from './recorder.js';
import { logsSwept } from './task/history.js';

/** Takes one fact of the world into the state. Facts of old incarnations change nothing. */
export function apply(recorder: Recorder, event: Event): void {
  if (event.type === 'clockReached') return;
  if (event.type === 'logsSwept' || event.type === 'logsExpired') return logsSwept(recorder, event);
  if (event.type === 'hypervisorSeen') return hypervisorSeen(recorder, event);
  const node = nodeOf(recorder, event.nodeKey, event.incarnation);
  if (node === undefined) {
    if (event.type !== 'agentConnected') return;
    const { nodeKey, incarnation, sessionId } = event;
    recorder.ask({ type: 'closeSession', nodeKey, incarnation, sessionId });
    return;
  }
  switch (event.type) {
    case 'nodeProvisioned':
      return nodeProvisioned(recorder, node, event);
    case 'nodeProvisionFailed':
      return nodeProvisionFailed(recorder, node, event);
    case 'nodeGone':
      return nodeGone(recorder, node);
    case 'nodeStalled':
      return nodeStalled(recorder, node, event);
    case 'consoleKept':
      return consoleKept(recorder, node, event);
    case 'agentConnected':
      return agentConnected(recorder, node, event);
    case 'agentDisconnected':
      if (node.session.id === event.sessionId) delete node.session.id;
      recorder.state.toSettle.nodes.add(node.key);
      return;
    case 'heartbeatReceived': {
      const { nodeKey, incarnation, heartbeat } = event;
      node.session.leaseUntil = fullLease(recorder);
      if (event.metrics !== undefined) node.session.metrics = event.metrics;
      heardOfRetention(recorder, node, event.metrics?.retainedDirectories ?? 0);
      if (node.state === 'unknown' && node.session.retryAt === undefined) comeBack(recorder, node);
      recorder.ask({
        type: 'grantLease',
        nodeKey,
        incarnation,
        heartbeat,
        leaseMs: recorder.settings.leaseMs,
      });
      return;
    }
    case 'agentReported':
      return agentReported(recorder, node, event.events);
  }
}
