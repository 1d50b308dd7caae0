import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AssignedMount } from '../../protocol/agent/assignment.js';
import { rootRequirement, suite } from '../support/requirements.js';
import { StartedAgent } from '../support/start-agent.js';
import { tempDirectory } from '../support/temp-dir.js';
import { waitFor } from '../support/wait-for.js';

const root = await rootRequirement();
const PASSWORD = 'of-the-share';

/**
 * A server and a kernel that mounts from it are not everywhere: a program named mount stands in front of
 * the real one, writes down how it is called, and mounts a folder in memory instead, for real.
 */
const MOUNT = `#!/bin/sh
for last in "$@"; do :; done
echo "$*" >> "$CALLS"
case "$*" in *credentials=*)
  file=\${*#*credentials=}; file=\${file%%,*}
  stat -c %a "$file" >> "$CALLS"; cat "$file" >> "$CALLS";;
esac
case "$*" in *broken*) echo "mount: no such server" >&2; exit 32;; esac
exec /bin/mount -t tmpfs -o mode=0777 none "$last"
`;

suite('file systems of a pool', [root], () => {
  const folder = tempDirectory('mounts');
  const calls = () => readFileSync(join(folder.path, 'calls'), 'utf8');
  const start = (mounts: AssignedMount[]) =>
    StartedAgent.start({
      environment: {
        PATH: `${folder.path}/bin:${process.env.PATH ?? ''}`,
        CALLS: join(folder.path, 'calls'),
      },
      configuration: {
        mounts,
        startTask: {
          commandLine: `sh -c 'echo $AZ_BATCH_NODE_MOUNTS_DIR; echo there > $AZ_BATCH_NODE_MOUNTS_DIR/data/file'`,
          environmentSettings: [],
          resourceFiles: [],
          maxTaskRetryCount: 0,
          waitForSuccess: true,
        },
      },
    });
  const mounted = (path: string) => readFileSync('/proc/self/mountinfo', 'utf8').includes(path);

  beforeAll(() => {
    mkdirSync(join(folder.path, 'bin'), { recursive: true });
    writeFileSync(join(folder.path, 'bin/mount'), MOUNT);
    chmodSync(join(folder.path, 'bin/mount'), 0o755);
  });
  afterAll(() => folder.remove());

  test('are mounted before the start task, in their order, and taken off when the node leaves', async () => {
    const agent = await start([
      { kind: 'nfs', path: 'data', source: '127.0.0.1:/data', options: '-o vers=4' },
      {
        kind: 'cifs',
        path: 'data/share',
        source: '//server/share',
        username: 'jane',
        password: PASSWORD,
      },
    ]);
    let left = agent.root;
    try {
      const ended = await waitFor('its end', () => agent.controller.eventsOf('startTaskEnded')[0]);
      expect(ended.outcome, agent.log).toMatchObject({ exitCode: 0 });
      expect(agent.text('startup/stdout.txt').trim()).toBe(join(agent.root, 'fsmounts'));
      const [first, second, mode, user, password] = calls().split('\n');
      const places = join(agent.root, 'fsmounts');
      // Without nfs-common the kernel is told the address.
      expect(first?.replace(',addr=127.0.0.1', '')).toBe(
        `-t nfs -o vers=4 127.0.0.1:/data ${places}/data`,
      );
      expect(second).toMatch(
        /^-t cifs -o credentials=.*,uid=0,gid=0,dir_mode=0770,file_mode=0770 /,
      );
      expect(second).toMatch(new RegExp(`//server/share ${places}/data/share$`));
      expect([mode, user, password]).toEqual(['600', 'username=jane', `password=${PASSWORD}`]);
      const file = /credentials=([^,]*)/.exec(second ?? '')?.[1] ?? '';
      expect(existsSync(file)).toBe(false);
      expect(mounted(`${places}/data/share`)).toBe(true);
      left = places;
    } finally {
      await agent.stop();
    }
    expect(mounted(left)).toBe(false);
  });

  test('that can’t be mounted make the node unusable, with the reason', async () => {
    for (const [mount, reason] of [
      [{ kind: 'nfs', path: 'data', source: '127.0.0.1:/broken' }, 'mount: no such server'],
      [
        { kind: 'blob', path: 'data', accountName: 'a', containerName: 'box' },
        /box needs blobfuse/,
      ],
    ] as const) {
      const agent = await start([mount]);
      try {
        const event = await waitFor(
          'its error',
          () => agent.controller.eventsOf('nodeUnusable')[0],
        );
        expect(event.code).toBe('MountConfigurationError');
        const details = new Map(event.details?.map(({ name, value }) => [name, value]));
        expect(details.get('MountPath')).toBe('data');
        expect(details.get('Message')).toMatch(reason);
        expect(agent.controller.eventsOf('startTaskStarted')).toEqual([]);
      } finally {
        await agent.stop();
      }
    }
  });
});
