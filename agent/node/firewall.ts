import { spawnSync } from 'node:child_process';
import { networkInterfaces } from 'node:os';
import type { Firewall } from '../../protocol/agent/enrol.js';

/**
 * Who may connect to a node whose network it shares with others: everyone to its open ports, its neighbours
 * to all of it where the pool asked for communication between nodes, nobody to the rest. What the node
 * itself begins is not limited. Answers with why it could not be done.
 */
export function applyFirewall(firewall: Firewall): string | undefined {
  const { status, error, stderr } = spawnSync('nft', ['-f', '-'], {
    input: firewallRules(firewall, ownNetworks()),
    encoding: 'utf8',
    // On a host that is busy with the boots of others it takes half a minute.
    timeout: 180_000,
  });
  if (status === 0) return undefined;
  return `nft: ${error?.message ?? stderr.trim().slice(0, 500)}`;
}

/** As nft reads them; applied again they replace themselves. @param networks such as 192.168.122.0/24 */
export function firewallRules(
  { interNode, openPorts }: Firewall,
  networks: readonly string[],
): string {
  const ports = (protocol: string) =>
    openPorts
      .filter((open) => open.protocol === protocol)
      .map(({ port }) => `    ${protocol} dport ${String(port)} accept`);
  const neighbours = interNode ? networks.map((network) => `    ip saddr ${network} accept`) : [];
  return [
    'table inet batchyard',
    'delete table inet batchyard',
    'table inet batchyard {',
    '  chain input {',
    '    type filter hook input priority filter; policy drop;',
    '    ct state established,related accept',
    '    iif lo accept',
    // ICMP and ICMPv6: their names are in a file that small systems lack.
    '    meta l4proto { 1, 58 } accept',
    '    udp sport 67 udp dport 68 accept',
    ...ports('tcp'),
    ...ports('udp'),
    ...neighbours,
    '  }',
    '}',
    '',
  ].join('\n');
}

function ownNetworks(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, family }) => !internal && family === 'IPv4')
    .flatMap(({ cidr }) => (cidr === null ? [] : [cidr]));
}
