import { spawnSync } from 'node:child_process';
import { networkInterfaces } from 'node:os';
import type { AccessRule, Firewall } from '../../protocol/agent/enrol.js';

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
  const ports = openPorts.flatMap(({ protocol, port, rules = [{ allow: true }] }) =>
    rules.flatMap((rule) =>
      sourcesOf(rule, networks).map(
        (source) =>
          `    ${source}${sourcePorts(protocol, rule)}${protocol} dport ${String(port)} ${rule.allow ? 'accept' : 'drop'}`,
      ),
    ),
  );
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
    ...ports,
    ...neighbours,
    '  }',
    '}',
    '',
  ].join('\n');
}

/** The beginnings of the lines of one rule. */
function sourcesOf({ source }: AccessRule, networks: readonly string[]): string[] {
  if (source === undefined) return [''];
  if (source === 'neighbours') return networks.map((network) => `ip saddr ${network} `);
  if (source === 'others')
    return [networks.length === 0 ? '' : `ip saddr != { ${networks.join(', ')} } `];
  return [`${source.includes(':') ? 'ip6' : 'ip'} saddr ${source} `];
}

const sourcePorts = (protocol: string, { sourcePorts: ranges }: AccessRule): string =>
  ranges === undefined
    ? ''
    : `${protocol} sport { ${ranges.map(([first, last]) => `${String(first)}-${String(last)}`).join(', ')} } `;

function ownNetworks(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, family }) => !internal && family === 'IPv4')
    .flatMap(({ cidr }) => (cidr === null ? [] : [cidr]));
}
