import pino from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import type { Event } from '../../controller/core/event.js';
import type { Node } from '../../controller/core/node/state.js';
import type { Pool } from '../../controller/core/pool/state.js';
import { NodeReconciler } from '../../controller/effects/nodes/reconcile.js';
import type { StateView } from '../../controller/engine/ports.js';
import { accountKey, nodeKey, poolKey, type NodeKey } from '../../protocol/keys.js';
import { FakeProvider } from '../support/fake-provider.js';
import { waitFor } from '../support/wait-for.js';
import { specification } from './node-provider.js';

const POOL = poolKey(accountKey('contract'), 'pool');
const key = (id: string) => nodeKey(POOL, id);
const node = (id: string, more: Partial<Node> = {}) =>
  ({
    ...{ key: key(id), id, pool: POOL, state: 'creating', incarnation: 1, errors: [] },
    ...more,
  }) as unknown as Node;

/** A reconciler over a fake provider and a state that the test writes. */
class Scene {
  readonly events: Event[] = [];
  readonly nodes = new Map<NodeKey, Node>();
  readonly reconciler: NodeReconciler;

  constructor(
    readonly provider: FakeProvider,
    parallel: (hypervisor: string | undefined) => number = () => 4,
  ) {
    const pool = { key: POOL, id: 'pool', nodeProvider: 'process' } as Pool;
    const { nodes } = this;
    const view = {
      pools: new Map([[POOL, pool]]),
      nodes,
      nodesOfPool: () => nodes.values(),
    } as unknown as StateView;
    this.reconciler = new NodeReconciler(
      {
        view: () => view,
        report: (event) => {
          this.events.push(event);
          if (event.type === 'nodeProvisioned') {
            const made = nodes.get(event.nodeKey);
            if (made !== undefined) made.state = 'starting';
          }
          if (event.type === 'nodeGone') nodes.delete(event.nodeKey);
        },
        provider: () => Promise.resolve(provider),
        openProviders: () => [provider],
        hypervisors: () => [],
        specify: (_pool, { id, incarnation, hypervisor, state }) => ({
          ...specification(id, incarnation),
          ...(hypervisor === undefined ? {} : { hypervisor }),
          disk: state === 'rebooting' ? 'keep' : 'new',
        }),
        log: pino({ level: 'silent' }),
      },
      { parallelCreates: parallel, sweepIntervalMs: 20 },
    );
    scenes.push(this);
    this.reconciler.start();
  }

  want(...nodes: Node[]): void {
    for (const one of nodes) this.nodes.set(one.key, one);
    this.reconciler.wake(POOL);
  }

  told = (type: Event['type']) => this.events.filter((event) => event.type === type);
  places = () =>
    [...this.provider.nodes.values()].map(
      ({ nodeKey: at, hypervisor }) => `${at} ${hypervisor ?? ''}`,
    );
}

const scenes: Scene[] = [];
afterEach(async () => {
  for (const { reconciler } of scenes.splice(0)) await reconciler.stop();
});

describe('the reconciler of nodes', () => {
  it('makes a hundred nodes at once, but on each hypervisor no more at a time than it takes', async () => {
    const provider = new FakeProvider(undefined, ['a', 'b']);
    provider.createMs = 2;
    const scene = new Scene(provider, (name) => (name === 'a' ? 3 : 5));
    scene.want(
      ...Array.from({ length: 100 }, (_, n) =>
        node(`n${String(n)}`, { hypervisor: n % 2 === 0 ? 'a' : 'b' }),
      ),
    );
    await waitFor('all nodes', () => scene.told('nodeProvisioned').length >= 100);
    expect(provider.nodes.size).toBe(100);
    expect([provider.underWay.get('a')?.most, provider.underWay.get('b')?.most]).toEqual([3, 5]);
    expect(provider.verbs.filter((verb) => verb.startsWith('create'))).toHaveLength(100);
  });

  it('tells of a hypervisor that disappears and comes back, and leaves its nodes alone meanwhile', async () => {
    const provider = new FakeProvider(undefined, ['a', 'b']);
    const scene = new Scene(provider);
    scene.want(node('one', { hypervisor: 'a' }), node('two', { hypervisor: 'b' }));
    await waitFor('both nodes', () => provider.nodes.size === 2);
    provider.away.add('a');
    await waitFor('the loss', () =>
      scene.events.some((event) => event.type === 'hypervisorSeen' && !event.reachable),
    );
    const leaving = { option: 'requeue' as const, since: 0, drained: true };
    scene.want(node('three', { hypervisor: 'a' }), {
      ...node('two', { hypervisor: 'b', state: 'leavingpool' }),
      leaving,
    });
    await waitFor('the other hypervisor to be served', () => scene.told('nodeGone').length === 1);
    await waitFor('a refusal', () => scene.told('nodeProvisionFailed').length > 0);
    expect(scene.told('nodeGone')).toMatchObject([{ nodeKey: key('two') }]);
    expect(scene.places()).toEqual([`${key('one')} a`]);
    provider.away.delete('a');
    await waitFor('the node that waited', () => provider.nodes.size === 2);
    const seen = scene.told('hypervisorSeen').filter((event) => 'hypervisor' in event);
    expect(seen.map((event) => 'reachable' in event && event.reachable)).toEqual([
      true,
      true,
      false,
      true,
    ]);
    expect(provider.verbs.filter((verb) => verb.includes('one'))).toEqual([
      `create ${key('one')} on a`,
    ]);
  });

  it('tells once of a node that stands still, and once that it goes on', async () => {
    const provider = new FakeProvider();
    const scene = new Scene(provider);
    scene.want(node('one'));
    await waitFor('the node', () => scene.told('nodeProvisioned').length === 1);
    const [[place, running] = []] = provider.nodes;
    if (place === undefined || running === undefined) throw new Error('no node');
    provider.nodes.set(place, { ...running, stalled: 'no room' });
    await waitFor('why', () => scene.told('nodeStalled').length > 0);
    const errors = [{ code: 'StorageFull', message: 'no room', errorDetails: [] }];
    scene.want(node('one', { state: 'starting', errors }));
    const told = scene.told('nodeStalled').length;
    provider.nodes.set(place, running);
    await waitFor('that it goes on', () => scene.told('nodeStalled').length > told);
    scene.want(node('one', { state: 'starting' }));
    const events = scene.told('nodeStalled').slice(told - 1, told + 1);
    expect(events.map((event) => 'message' in event && event.message)).toEqual(['no room', false]);
  });

  it('goes on with the other nodes of a pool while the create of one hangs', async () => {
    const provider = new FakeProvider();
    const scene = new Scene(provider);
    scene.want(node('dying'));
    await waitFor('the node', () => scene.told('nodeProvisioned').length === 1);
    let goOn: () => void = () => undefined;
    provider.hanging.set(key('slow'), new Promise((resolve) => (goOn = resolve)));
    scene.want(node('slow'));
    await waitFor('the create that hangs', () => provider.underWay.get('')?.now === 1);
    provider.nodes.clear();
    await provider.create(specification('left-over'));
    await waitFor('its death to be noticed', () => scene.told('nodeGone').length === 1);
    await waitFor('what is left over to go', () => provider.nodes.size === 0);
    scene.want(node('new'));
    await waitFor('the new node', () => scene.told('nodeProvisioned').length === 2);
    goOn();
    await waitFor('the slow one', () => scene.told('nodeProvisioned').length === 3);
    expect(provider.verbs.filter((verb) => verb.includes('slow'))).toEqual([
      `create ${key('slow')} on `,
    ]);
  });

  it('looks once more at a node that changed while its create hung', async () => {
    const provider = new FakeProvider();
    const scene = new Scene(provider);
    let goOn: () => void = () => undefined;
    provider.hanging.set(key('one'), new Promise((resolve) => (goOn = resolve)));
    scene.want(node('one'));
    await waitFor('the create that hangs', () => provider.underWay.get('')?.now === 1);
    const leaving = { option: 'requeue' as const, since: 0, drained: true };
    scene.want({ ...node('one', { state: 'leavingpool' }), leaving });
    goOn();
    await waitFor('its end', () => scene.told('nodeGone').length === 1);
    expect(provider.nodes.size).toBe(0);
  });

  it('removes what it finds of a node where the node does not belong', async () => {
    const provider = new FakeProvider(undefined, ['a', 'b']);
    const scene = new Scene(provider);
    await provider.create({ ...specification('one'), hypervisor: 'b' });
    scene.want(node('one', { hypervisor: 'a' }));
    await waitFor('the node in its place', () => scene.places().join() === `${key('one')} a`);
    expect(scene.told('nodeGone')).toEqual([]);
  });

  it('tells where it finds a node of which no place is written down', async () => {
    const provider = new FakeProvider(undefined, ['a', 'b']);
    const scene = new Scene(provider);
    await provider.create({ ...specification('one'), hypervisor: 'b' });
    scene.want(node('one', { state: 'idle' }));
    await waitFor('its place', () => scene.told('nodeProvisioned').length > 0);
    expect(scene.told('nodeProvisioned')[0]).toMatchObject({ hypervisor: 'b' });
    expect(provider.verbs).toHaveLength(1);
  });

  it('takes a preempted node away once its tasks have stopped, and nothing of it is made again', async () => {
    const provider = new FakeProvider(undefined, ['a']);
    const scene = new Scene(provider);
    scene.want(node('one', { hypervisor: 'a' }));
    await waitFor('the node', () => scene.told('nodeProvisioned').length === 1);
    scene.want(node('one', { hypervisor: 'a', state: 'preempted', preempting: { since: 0 } }));
    await waitFor('another look', () => scene.told('hypervisorSeen').length > 0);
    expect(provider.nodes.size).toBe(1);
    const preempting = { since: 0, drained: true };
    scene.want(node('one', { hypervisor: 'a', state: 'preempted', preempting }));
    await waitFor('its end', () => scene.told('nodeGone').length > 0);
    expect(provider.nodes.size).toBe(0);
  });

  it('destroys nodes whose pool is gone', async () => {
    const provider = new FakeProvider(undefined, ['a']);
    await provider.create({
      ...specification('one'),
      nodeKey: nodeKey(poolKey(accountKey('contract'), 'gone'), 'one'),
      hypervisor: 'a',
    });
    new Scene(provider);
    await waitFor('the orphan to go', () => provider.nodes.size === 0);
  });
});
