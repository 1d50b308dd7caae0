import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { batchClient } from '../support/client.js';
import { PROCESS_POOL, sh, waits } from '../support/process-pool.js';
import { rootRequirement, suite } from '../support/requirements.js';
import { startController } from '../support/start-controller.js';
import { tempDirectory } from '../support/temp-dir.js';
import { waitFor } from '../support/wait-for.js';

const root = await rootRequirement();

suite('a node with a mounted share', [root], () => {
  it('is deleted without the files of the share', async () => {
    const folder = tempDirectory('share');
    const share = join(folder.path, 'share');
    mkdirSync(share, { recursive: true });
    mkdirSync(join(folder.path, 'bin'));
    // In the place of a server: the program that agents find first mounts this folder.
    const program = join(folder.path, 'bin/mount');
    writeFileSync(
      program,
      `#!/bin/sh\nfor last in "$@"; do :; done\nexec /bin/mount --bind ${share} "$last"\n`,
    );
    chmodSync(program, 0o755);
    const controller = await startController({
      environment: { PATH: `${folder.path}/bin:${process.env.PATH ?? ''}` },
    });
    try {
      const client = batchClient(controller);
      await client.pool.add({
        id: 'p',
        ...PROCESS_POOL,
        targetDedicatedNodes: 1,
        mountConfiguration: [
          { nfsMountConfiguration: { source: '127.0.0.1:/share', relativeMountPath: 'data' } },
        ],
        startTask: {
          commandLine: sh('echo kept > $AZ_BATCH_NODE_MOUNTS_DIR/data/file'),
          userIdentity: { autoUser: { scope: 'pool', elevationLevel: 'admin' } },
          waitForSuccess: true,
        },
      });
      await waits(client).nodes('p', 'idle');
      expect(readFileSync(join(share, 'file'), 'utf8')).toBe('kept\n');
      const nodes = join(controller.dataDirectory, 'nodes/testaccount/p');
      const isMounted = () => readFileSync('/proc/self/mountinfo', 'utf8').includes(nodes);
      expect(isMounted()).toBe(true);
      await client.pool.deleteMethod('p');
      await waitFor('the node to be gone', () => !existsSync(nodes));
      expect(isMounted()).toBe(false);
      expect(readFileSync(join(share, 'file'), 'utf8')).toBe('kept\n');
    } finally {
      await controller.stop();
      folder.remove();
    }
  });
});
