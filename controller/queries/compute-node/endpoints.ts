import type { Pool } from '../../core/pool/state.js';
import type { Rows } from '../../engine/ports.js';

/** Azure's numbering of the rule that every node has. */
const SSH_RULE_PORTS_START = 50_000;
const SSH_PORT = 22;

/**
 * The node's inbound endpoints: the pool's own in their order, then the secure shell's. Names carry the
 * node's number in its pool; ports of a range are given in turn.
 */
export function endpointConfiguration(node: Rows['node']['row'], pool: Pool): object | undefined {
  const { ipAddress, number = 0 } = node;
  const { networkConfiguration, virtualMachineConfiguration } = pool.specification;
  if (ipAddress === undefined || virtualMachineConfiguration === undefined) return undefined;
  const address = { publicIPAddress: ipAddress, publicFQDN: ipAddress };
  const forwardOf = (protocol: string, port: number) => {
    // On a network nothing stands between: the node is reached at the port itself.
    if (pool.nodeProvider === 'libvirt' && node.forwards === undefined)
      return { frontendPort: port };
    const found = node.forwards?.find(
      (one) => one.protocol === protocol && one.backendPort === port,
    );
    return found === undefined
      ? {}
      : { publicIPAddress: found.address, publicFQDN: found.address, frontendPort: found.port };
  };
  const own = (networkConfiguration?.endpointConfiguration?.inboundNATPools ?? []).map((nat) => ({
    name: `${nat.name}.${number}`,
    protocol: nat.protocol,
    ...address,
    frontendPort:
      nat.frontendPortRangeStart +
      (number % (nat.frontendPortRangeEnd - nat.frontendPortRangeStart + 1)),
    backendPort: nat.backendPort,
    ...forwardOf(nat.protocol, nat.backendPort),
  }));
  const ssh = {
    name: `SSHRule.${number}`,
    protocol: 'tcp',
    ...address,
    frontendPort: SSH_RULE_PORTS_START + (number % 5_000),
    backendPort: SSH_PORT,
    ...forwardOf('tcp', SSH_PORT),
  };
  return { inboundEndpoints: [...own, ssh] };
}
