import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { firewallRules } from '../../agent/node/firewall.js';
import { programs, requirement, rootRequirement, suite } from '../support/requirements.js';

const ssh = { protocol: 'tcp', port: 22 } as const;

describe('the rules of a node that shares its network', () => {
  it('let its neighbours in only where the pool asked for it', () => {
    const neighbours = 'ip saddr 192.168.122.5/24 accept';
    const rules = (interNode: boolean) =>
      firewallRules({ interNode, openPorts: [ssh] }, ['192.168.122.5/24']);
    expect(rules(true)).toContain(neighbours);
    expect(rules(false)).not.toContain(neighbours);
    expect(rules(false)).toContain('policy drop');
  });
  it('let in at an endpoint whom its rules name, the first that fits', () => {
    const rules = [
      { allow: false, source: '10.1.2.3' },
      { allow: true, source: 'neighbours', sourcePorts: [[1024, 2000] as [number, number]] },
      { allow: false, source: 'others' },
      { allow: true, source: 'fd00::/8' },
      { allow: true },
    ];
    const openPorts = [{ protocol: 'tcp' as const, port: 7000, rules }];
    const text = firewallRules({ interNode: false, openPorts }, ['10.1.0.0/16', '10.2.0.0/16']);
    expect(text.split('\n').filter((line) => line.includes('7000'))).toEqual([
      '    ip saddr 10.1.2.3 tcp dport 7000 drop',
      '    ip saddr 10.1.0.0/16 tcp sport { 1024-2000 } tcp dport 7000 accept',
      '    ip saddr 10.2.0.0/16 tcp sport { 1024-2000 } tcp dport 7000 accept',
      '    ip saddr != { 10.1.0.0/16, 10.2.0.0/16 } tcp dport 7000 drop',
      '    ip6 saddr fd00::/8 tcp dport 7000 accept',
      '    tcp dport 7000 accept',
    ]);
  });
  it('open the ports of the secure shell and of the pool’s endpoints, each by its protocol', () => {
    const openPorts = [ssh, { protocol: 'udp', port: 5000 } as const];
    const rules = firewallRules({ interNode: false, openPorts }, []);
    expect(rules).toContain('tcp dport 22 accept');
    expect(rules).toContain('udp dport 5000 accept');
    expect(rules).not.toContain('tcp dport 5000');
  });
});

const nft = await requirement(
  'nft',
  () => programs('nft', 'unshare'),
  'apt-get install -y --no-install-recommends nftables',
);

/** In a network of its own; what they do to packets is shown by real nodes (test/vm/networks.test.ts). */
suite('the rules of a node, read by nft', [nft, await rootRequirement()], () => {
  it('are taken twice over by a system that knows protocols by no name', () => {
    const rules = [
      { allow: false, source: '10.1.2.3' },
      { allow: true, source: 'others', sourcePorts: [[1, 9] as [number, number]] },
    ];
    const openPorts = [ssh, { protocol: 'udp', port: 5000, rules } as const];
    const input = firewallRules({ interNode: true, openPorts }, ['192.168.122.5/24']);
    const script =
      'mount --bind /dev/null /etc/protocols; mount --bind /dev/null /etc/services; cat > /dev/shm/$$; nft -f /dev/shm/$$ && nft -f /dev/shm/$$ && nft list ruleset; rm /dev/shm/$$';
    const { stdout, stderr } = spawnSync('unshare', ['--net', '--mount', 'sh', '-c', script], {
      input,
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(stdout.match(/policy drop/g)).toHaveLength(1);
    expect(stdout).toContain('ip saddr 192.168.122.0/24 accept');
  });
});
