import { describe, expect, it } from 'vitest';
import { firewallRules } from '../../agent/node/firewall.js';

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
  it('open the ports of the secure shell and of the pool’s endpoints, each by its protocol', () => {
    const openPorts = [ssh, { protocol: 'udp', port: 5000 } as const];
    const rules = firewallRules({ interNode: false, openPorts }, []);
    expect(rules).toContain('tcp dport 22 accept');
    expect(rules).toContain('udp dport 5000 accept');
    expect(rules).not.toContain('tcp dport 5000');
  });
});
