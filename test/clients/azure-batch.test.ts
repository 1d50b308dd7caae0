import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, it } from 'vitest';
import { makeCertificate } from '../support/certificate.js';
import { PYTHON, pythonAzureRequirement, suite } from '../support/requirements.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';

const run = promisify(execFile);
const STORY = join(import.meta.dirname, 'azure-batch-story.py');

/** Each chapter goes on where the one before it ended. */
suite("Python's azure-batch, unchanged", [await pythonAzureRequirement()], () => {
  let controller: StartedController;
  const certificate = makeCertificate('story');
  beforeAll(async () => {
    controller = await startController();
  });
  afterAll(() => controller.stop());

  const chapter = (name: string) =>
    run(PYTHON, [STORY, name], {
      env: {
        PATH: process.env['PATH'],
        NO_PROXY: '*',
        BATCH_URL: controller.url,
        BATCH_ACCOUNT: controller.account,
        BATCH_KEY: controller.key,
        THUMBPRINT: certificate.thumbprint,
        PFX: certificate.pfx('secret'),
      },
    });

  it.each([
    ['sees the account: images, node counts, applications', 'account'],
    ['adds a certificate', 'certificate'],
    ['adds, lists and patches a pool and gets its node', 'pool'],
    ['reads and changes under conditions', 'etag'],
    ['adds, patches, updates, disables and enables a job', 'job'],
    ['adds tasks, one and 251, and terminates, reactivates and deletes them', 'tasks'],
    ['lists, reads and deletes files of the task and of the node', 'files'],
    ['takes a node out of scheduling and back, reboots and reimages it', 'nodes'],
    ['resizes the pool up, removes a node, and resizes to nothing', 'resize'],
    ['adds, changes, disables, enables and ends a job schedule', 'schedule'],
    ['is told why a certificate in use stays, and takes the deletion back', 'certificate_in_use'],
    ['terminates and deletes what it made', 'end'],
  ])('%s', async (_, name) => {
    await chapter(name);
  });
});
