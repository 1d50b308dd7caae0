import type { Node } from './state.js';

/** The node's place, and which of the hypervisor's devices are its own. */
export function placeNode(node: Node, hypervisor: string, hostDevices: readonly string[]): void {
  node.hypervisor = hypervisor;
  if (hostDevices.length > 0) node.hostDevices = [...hostDevices];
  else delete node.hostDevices;
}
