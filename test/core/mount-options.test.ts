import { describe, expect, it } from 'vitest';
import { mountCall, MountError } from '../../agent/core/mount-options.js';

const OWNER = { uid: 0, gid: 4_711 };
const nfs = (options?: string) =>
  mountCall(
    {
      kind: 'nfs',
      path: 'data',
      source: 'server:/share',
      ...(options === undefined ? {} : { options }),
    },
    OWNER,
  );
const cifs = (password: string, options = '') =>
  mountCall(
    { kind: 'cifs', path: 'x', source: '//server/share', username: 'jane', password, options },
    OWNER,
  );

describe('the options of a mount', () => {
  it('are given as people write them for the mount command, or as a list', () => {
    expect(nfs()).toEqual({ type: 'nfs', source: 'server:/share', options: [] });
    for (const text of ['-o vers=4,ro -ohard', 'vers=4,ro,hard', ' -o vers=4 -o ro,,hard '])
      expect(nfs(text).options).toEqual(['vers=4', 'ro', 'hard']);
  });

  it('give shares that know no owners to the tasks of the node, unless the pool says otherwise', () => {
    const { type, options } = cifs('p', '-o vers=3.0,gid=5');
    expect(type).toBe('cifs');
    expect(options).toEqual([
      'uid=0',
      'gid=4711',
      'dir_mode=0770',
      'file_mode=0770',
      'vers=3.0',
      'gid=5',
    ]);
  });

  it('never hold a password, which has a file of its own', () => {
    const call = cifs('a,b=c "d"');
    expect(call.credentials).toBe('username=jane\npassword=a,b=c "d"\n');
    expect(call.options.join(',')).not.toContain('a,b');
    expect(() => cifs('p', '-o password=x')).toThrow(MountError);
    expect(() => cifs('two\nlines')).toThrow(/line break/);
  });

  it('are options alone: no other flag, no source that is one', () => {
    expect(() => nfs('--bind')).toThrow(/"--bind" is not allowed/);
    expect(() => mountCall({ kind: 'nfs', path: 'x', source: '--all' }, OWNER)).toThrow(MountError);
  });

  it('do not exist for blobs: the error names what is missing and what to do instead', () => {
    const blob = { kind: 'blob', path: 'x', accountName: 'a', containerName: 'c' } as const;
    expect(() => mountCall(blob, OWNER)).toThrow(/c needs blobfuse.*resource files/);
  });
});
