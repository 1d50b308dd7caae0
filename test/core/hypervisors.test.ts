import { describe, expect, it } from 'vitest';
import { host, places, seen, start, states } from '../support/hypervisors.js';

describe('a hypervisor that disappears', () => {
  it('makes its nodes unknown once their leases have ended; they are neither made anew nor given up', async () => {
    const driver = await start([host('a', 4), host('b', 4)]);
    await driver.addPool('p', { targetDedicatedNodes: 2 });
    await driver.addJob('j');
    await driver.addTasks('j', 'a', 'b');
    await driver.beginTask('a');
    const lost = driver.nodes('p').find(({ hypervisor }) => hypervisor === 'a');
    await seen(driver, 'a', false, { reason: 'connection refused' });
    expect(driver.nodes('p').find(({ key }) => key === lost?.key)?.errors).toMatchObject([
      { code: 'HypervisorUnreachable', errorDetails: [{ value: 'connection refused' }] },
    ]);
    driver.silent = true;
    await driver.advance(60 * 60_000);
    const after = driver.nodes('p').find(({ key }) => key === lost?.key);
    expect(after).toMatchObject({ state: 'unknown', incarnation: 1, hypervisor: 'a' });
    expect(driver.store.all('task').every(({ state }) => state === 'active')).toBe(true);
    driver.silent = false;
    await seen(driver, 'a', true);
    for (const key of driver.boots.keys()) driver.connect(key);
    await driver.advance(1_000);
    const back = driver.nodes('p').find(({ key }) => key === lost?.key);
    expect(back).toMatchObject({ incarnation: 1, errors: [] });
    expect(['idle', 'running']).toContain(back?.state);
  });

  it('takes no new nodes, and its nodes are made again only when it answers', async () => {
    const driver = await start([host('a', 4), host('b', 4)]);
    await driver.addPool('p', { targetDedicatedNodes: 1 });
    const [node] = driver.nodes('p');
    const name = node?.hypervisor ?? '';
    await seen(driver, name, false, { reason: 'no route' });
    await driver.addPool('q', { targetDedicatedNodes: 2 });
    expect(places(driver, 'q')).toEqual([name === 'a' ? 'b' : 'a']);
    expect(driver.pool('q')?.resizeErrors[0]?.values[0]?.value).toContain(`${name}: no route`);
    if (node === undefined) throw new Error('no node');
    driver.boots.delete(node.key);
    driver.engine.report({ type: 'nodeGone', nodeKey: node.key, incarnation: 1 });
    await driver.advance(60_000);
    expect(driver.nodes('p')[0]).toMatchObject({ state: 'unknown', incarnation: 1 });
    await seen(driver, name, true);
    await driver.advance(10);
    expect(driver.nodes('p')[0]).toMatchObject({ state: 'idle', incarnation: 2, hypervisor: name });
  });
});

describe('a hypervisor in maintenance', () => {
  it('is cleared once tasks have ended, and others are made elsewhere', async () => {
    const both = [host('a', 8), host('b', 8)];
    const driver = await start([{ ...host('a', 8) }, host('b', 0)]);
    await driver.addPool('p', { targetDedicatedNodes: 2 });
    await driver.addJob('j');
    await driver.addTasks('j', 'a');
    await driver.beginTask('a');
    expect(places(driver, 'p')).toEqual(['a', 'a']);
    driver.settings = {
      ...driver.settings,
      hypervisors: both.map((one) => ({ ...one, maintenance: one.name === 'a' })),
    };
    await driver.restart();
    await driver.advance(1_000);
    expect(states(driver, 'p')).toEqual(['idle', 'idle', 'leavingpool']);
    expect(driver.task('j', 'a')).toMatchObject({ state: 'running', attempt: 1 });
    await driver.endTask('a');
    await driver.advance(1_000);
    expect(places(driver, 'p')).toEqual(['b', 'b']);
    expect(driver.pool('p')).toMatchObject({ allocationState: 'steady', resizeErrors: [] });
  });

  it('or no longer configured: its nodes that are lost are made on another', async () => {
    const driver = await start([host('a', 8)]);
    await driver.addPool('p', { targetDedicatedNodes: 1 });
    driver.settings = { ...driver.settings, hypervisors: [host('b', 8)] };
    driver.boots.clear();
    await driver.restart();
    await driver.advance(11 * 60_000);
    expect(driver.nodes('p')[0]).toMatchObject({ state: 'idle', incarnation: 2, hypervisor: 'b' });
  });
});

describe('a node from before places were written down', () => {
  it('is counted where its provider finds it', async () => {
    const driver = await start([]);
    await driver.addPool('p', { targetDedicatedNodes: 1 });
    driver.settings = { ...driver.settings, hypervisors: [host('a', 8)] };
    await driver.restart();
    const [node] = driver.nodes('p');
    if (node === undefined) throw new Error('no node');
    const { key: nodeKey, incarnation } = node;
    driver.engine.report({ type: 'nodeProvisioned', nodeKey, incarnation, hypervisor: 'a' });
    await driver.rest();
    expect(driver.nodes('p')[0]).toMatchObject({ state: 'idle', hypervisor: 'a' });
    await driver.addPool('q', { targetDedicatedNodes: 2 });
    expect(driver.nodes('q')).toHaveLength(1);
  });
});
