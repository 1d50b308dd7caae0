import pino from 'pino';
import { describe, expect, it } from 'vitest';
import { LibvirtNodeProvider } from '../../controller/effects/nodes/libvirt/libvirt-provider.js';
import { Watch } from '../../controller/effects/nodes/libvirt/watch.js';
import { waitFor } from '../support/wait-for.js';
import { specification } from './node-provider.js';

/** A host whose answers come when the test lets them. */
class SlowHost {
  readonly settings = { name: 'slow' };
  looks = 0;
  isPrompt = false;
  private answer: () => void = () => undefined;
  constructor(public error?: Error) {}

  async capacity() {
    this.looks += 1;
    if (!this.isPrompt)
      await new Promise<void>((resolve) => {
        this.answer = resolve;
      });
    if (this.error !== undefined) throw this.error;
    return { vcpus: 2 };
  }

  list() {
    const { nodeKey } = specification('one');
    return Promise.resolve([{ nodeKey, incarnation: 1, state: 'running' as const }]);
  }

  answers(): void {
    this.answer();
  }
}

describe('the look at a hypervisor', () => {
  it('tells its nodes with their place, and what it has', async () => {
    const host = new SlowHost();
    const look = new Watch(host).look();
    await waitFor('the look', () => host.looks === 1);
    host.answers();
    expect(await look).toMatchObject({
      nodes: [{ hypervisor: 'slow' }],
      report: { name: 'slow', reachable: true, capacity: { vcpus: 2 } },
    });
  });

  it('is not taken twice at once: who asks meanwhile shares the next one', async () => {
    const host = new SlowHost();
    const watch = new Watch(host);
    const first = watch.look();
    await waitFor('the first look', () => host.looks === 1);
    const others = [watch.look(), watch.look()];
    host.answers();
    await first;
    await waitFor('the second look', () => host.looks === 2);
    host.answers();
    await Promise.all(others);
    expect(host.looks).toBe(2);
  });

  it('tells one as away that does not answer in time, to all who ask until it does', async () => {
    const host = new SlowHost();
    const watch = new Watch(host, 5);
    expect((await watch.look()).report).toMatchObject({ reachable: false });
    expect((await watch.look()).report.reason).toMatch(/no answer within/);
    expect(host.looks).toBe(1);
    host.isPrompt = true;
    host.answers();
    const back = await waitFor('its answer', async () => {
      const { report } = await watch.look();
      return report.reachable && report;
    });
    expect(back.capacity).toEqual({ vcpus: 2 });
  });

  it('says why it failed', async () => {
    const host = new SlowHost(new Error('libvirt does not answer (connection refused)'));
    const look = new Watch(host).look();
    await waitFor('the look', () => host.looks === 1);
    host.answers();
    expect((await look).report).toEqual({
      name: 'slow',
      reachable: false,
      reason: 'libvirt does not answer (connection refused)',
    });
  });
});

describe('a hypervisor that is no longer configured', () => {
  const provider = new LibvirtNodeProvider(
    [{ name: 'here', uri: 'test:///default', domainType: 'qemu', network: 'user' }],
    {
      controllerId: 'test',
      dataDirectory: '/nowhere',
      images: [],
      agent: { node: process.execPath, bundle: '/nowhere' },
      log: pino({ level: 'silent' }),
    } as unknown as ConstructorParameters<typeof LibvirtNodeProvider>[1],
  );

  it('makes nothing, and says what helps', async () => {
    await expect(
      provider.create({ ...specification('one'), hypervisor: 'gone' }),
    ).rejects.toMatchObject({
      code: 'AllocationFailed',
      message: expect.stringMatching(/add it again/),
    });
  });

  it('does not keep its nodes from leaving their pools', async () => {
    await provider.destroy(specification('one').nodeKey, 'remove', 'gone');
  });
});
