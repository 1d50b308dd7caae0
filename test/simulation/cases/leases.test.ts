import { describe, expect, it } from 'vitest';
import { Scene } from './scene.js';

describe('an agent that reaches nobody for longer than its lease', () => {
  it('kills its task before another node gets it; its late report changes nothing', async () => {
    const scene = await Scene.open(2);
    await scene.do(scene.addTask('a', 40_000));
    await scene.until(() => scene.task('a')?.state === 'running');
    const lost = scene.agentOf('a');
    lost.cutOff(45_000);
    await scene.until(() => scene.task('a')?.attempt === 2);
    expect(scene.task('a')?.node).not.toBe(lost.nodeKey);
    // The first node is back by now and has reported the end of try 1.
    await scene.until(() => scene.nodes.every(({ state }) => state !== 'unknown'));
    expect(scene.task('a')).toMatchObject({ attempt: 2, state: 'running' });
    await scene.until(() => scene.task('a')?.state === 'completed');
    expect(scene.task('a')).toMatchObject({ attempt: 2, execution: { result: 'success' } });
  });

  it('keeps its task where the silence was shorter', async () => {
    const scene = await Scene.open(2);
    await scene.do(scene.addTask('a', 40_000));
    await scene.until(() => scene.task('a')?.state === 'running');
    scene.agentOf('a').cutOff(6_000);
    await scene.until(() => scene.task('a')?.state === 'completed');
    expect(scene.task('a')).toMatchObject({ attempt: 1, execution: { result: 'success' } });
  });
});

describe("an agent's process that restarts", () => {
  it('has lost its task, which begins anew under the next number', async () => {
    const scene = await Scene.open(1);
    await scene.do(scene.addTask('a', 5_000));
    await scene.until(() => scene.world.running.size === 1);
    scene.agentOf('a').restart();
    await scene.until(() => scene.task('a')?.state === 'completed');
    expect(scene.task('a')).toMatchObject({ attempt: 2, execution: { result: 'success' } });
  });
});
