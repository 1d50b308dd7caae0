import { describe, expect, it } from 'vitest';
import { poolResize } from '../../../controller/commands/pool/resize.js';
import { PoolResize } from '../../../protocol/batch/pool.js';
import { ACCOUNT } from '../workload.js';
import { Scene } from './scene.js';

const resize = (body: Record<string, unknown>) =>
  poolResize({ account: ACCOUNT, poolId: 'pool', body: PoolResize.parse(body) });
const toNone = resize({ targetDedicatedNodes: 0, nodeDeallocationOption: 'taskcompletion' });

async function leavingWithTask() {
  const scene = await Scene.open(1);
  await scene.do(scene.addTask('a', 20_000));
  await scene.until(() => scene.task('a')?.state === 'running');
  const agent = scene.agentOf('a');
  await scene.do(toNone);
  await scene.until(() => scene.nodes.some(({ state }) => state === 'leavingpool'));
  return { scene, agent };
}

describe('a node that leaves with option taskcompletion', () => {
  it('goes after its task has ended', async () => {
    const { scene } = await leavingWithTask();
    await scene.pass(5_000);
    expect(scene.task('a')).toMatchObject({ state: 'running' });
    await scene.until(() => scene.nodes.length === 0);
    expect(scene.task('a')).toMatchObject({ attempt: 1, execution: { result: 'success' } });
  });

  it('dies meanwhile: the node is gone and its task waits for another', async () => {
    const { scene, agent } = await leavingWithTask();
    scene.world.hypervisor.kill(agent);
    await scene.until(() => scene.nodes.length === 0);
    expect(scene.task('a')).toMatchObject({ state: 'active', attempt: 1 });
    await scene.do(resize({ targetDedicatedNodes: 1 }));
    await scene.until(() => scene.task('a')?.state === 'completed');
    expect(scene.task('a')).toMatchObject({ attempt: 2, execution: { result: 'success' } });
  });

  it('goes after its task has ended though the controller died meanwhile', async () => {
    const { scene } = await leavingWithTask();
    scene.world.controller.crash();
    await scene.until(() => scene.nodes.length === 0);
    expect(scene.task('a')).toMatchObject({ attempt: 1, execution: { result: 'success' } });
    expect([...scene.world.hypervisor.agents]).toEqual([]);
  });
});
