import type { Event } from '../event.js';
import type { Recorder } from '../recorder.js';
import { removeNode, retryLater } from './lose.js';
import type { Node } from './state.js';
import { fullLease, moveNode } from './transition.js';

/** The provider has it: it boots. */
export function nodeProvisioned(
  recorder: Recorder,
  node: Node,
  { ipAddress, hypervisor, forwards }: Extract<Event, { type: 'nodeProvisioned' }>,
): void {
  // Made before places were written down.
  if (hypervisor !== undefined && node.hypervisor === undefined && node.state !== 'preempted') {
    node.hypervisor = hypervisor;
    recorder.changed('node', node);
  }
  if (ipAddress !== undefined && ipAddress !== node.ipAddress) {
    node.ipAddress = ipAddress;
    recorder.changed('node', node);
  }
  if (forwards !== undefined || node.forwards !== undefined) {
    if (forwards === undefined) delete node.forwards;
    else node.forwards = forwards;
    recorder.changed('node', node);
  }
  if (node.state !== 'creating' && node.state !== 'rebooting' && node.state !== 'reimaging') return;
  if (node.draining !== undefined) return;
  node.lastBootTime = recorder.now;
  node.session.leaseUntil = fullLease(recorder);
  moveNode(recorder, node, 'starting');
}

/** A new node of a resize: the resize has failed and the node is no more. Another is tried again. */
export function nodeProvisionFailed(
  recorder: Recorder,
  node: Node,
  event: Extract<Event, { type: 'nodeProvisionFailed' }>,
): void {
  const pool = recorder.state.pools.get(node.pool);
  if (node.leaving !== undefined || node.state === 'preempted') return;
  const isAlive = node.state === 'rebooting' || node.state === 'reimaging';
  // It is being emptied before it restarts: nothing was to be made yet.
  if (isAlive && node.draining !== undefined) return;
  // One that has lived and restarts may still have tasks: it is not given up.
  const isNew = node.incarnation === 1 && node.state === 'creating';
  if (pool !== undefined && isNew && pool.allocationState !== 'steady') {
    if (!pool.resizeErrors.some((one) => one.code === event.code && one.message === event.message))
      pool.resizeErrors.push({
        code: event.code,
        message: event.message,
        values: [{ name: 'Reason', value: event.message }],
      });
    recorder.changed('pool', pool);
    removeNode(recorder, node);
    return;
  }
  node.errors = [{ code: event.code, message: event.message, errorDetails: [] }];
  retryLater(recorder, node);
}
