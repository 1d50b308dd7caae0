import { describe, expect, it } from 'vitest';
import { Scene } from './scene.js';

describe('the controller dies between commit and reply', () => {
  it('the task exists, a second add says so, and it runs once', async () => {
    const scene = await Scene.open(1);
    const { world } = scene;
    let answered = false;
    world.atCommit = () => world.controller.crash();
    world.controller.submit(scene.addTask('a', 500))?.then(
      () => (answered = true),
      () => (answered = true),
    );
    await scene.until(() => !world.controller.up);
    world.atCommit = undefined;
    await scene.until(() => world.controller.up);
    expect(answered).toBe(false);
    await expect(scene.do(scene.addTask('a', 500))).rejects.toMatchObject({ code: 'TaskExists' });
    await scene.until(() => scene.task('a')?.state === 'completed');
    expect(scene.task('a')).toMatchObject({ attempt: 1, execution: { result: 'success' } });
  });
});

describe('the controller dies while a task runs', () => {
  it('the task goes on, and its end is reported afterwards', async () => {
    const scene = await Scene.open(1);
    await scene.do(scene.addTask('a', 8_000));
    await scene.until(() => scene.task('a')?.state === 'running');
    scene.world.controller.crash();
    await scene.until(() => scene.task('a')?.state === 'completed');
    expect(scene.task('a')).toMatchObject({ attempt: 1, execution: { result: 'success' } });
  });

  it('an end that was committed but not acknowledged is reported again and changes nothing', async () => {
    const scene = await Scene.open(1);
    const { world } = scene;
    await scene.do(scene.addTask('a', 3_000));
    let endTime: number | undefined;
    world.atCommit = () => {
      if (scene.task('a')?.state !== 'completed') return;
      endTime = scene.task('a')?.execution.endTime;
      world.atCommit = undefined;
      world.controller.crash();
    };
    await scene.until(() => endTime !== undefined);
    await scene.pass(60_000);
    expect(scene.nodes).toMatchObject([
      { state: 'idle', totalTasksRun: 1, totalTasksSucceeded: 1 },
    ]);
    expect(scene.task('a')?.execution.endTime).toBe(endTime);
  });
});
