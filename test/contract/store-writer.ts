/**
 * A program for the crash test: commits for ever and prints the number of each commit once it is
 * acknowledged. Started as `node --import tsx store-writer.ts DIRECTORY FIRST`.
 */
import { writeSync } from 'node:fs';
import { SqliteStore } from '../../controller/store/sqlite/store.js';
import { body, emptyBatch, job, task } from './store-rows.js';

export const TASKS_PER_COMMIT = 5;
export const idsOf = (commit: number): string[] =>
  Array.from({ length: TASKS_PER_COMMIT }, (_, at) => `t${String(commit)}-${String(at)}`);

const [, script, directory, first] = process.argv;
if (script?.endsWith('store-writer.ts') && directory !== undefined) {
  const store = await SqliteStore.open(directory);
  for (let commit = Number(first ?? 0); ; commit += 1) {
    const tasks = idsOf(commit).map((id) => task('j', id, { sequence: commit }));
    await store.commit({
      ...emptyBatch(),
      upserts: { job: [job('j', { nextTaskSequence: commit })], task: tasks },
      taskBodies: tasks.map(({ key, id }) => ({ key, body: body(id) })),
    });
    writeSync(1, `${String(commit)}\n`);
  }
}
