import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

const BUSYBOX = '/bin/busybox';
const APPLETS = [
  'sh',
  'cat',
  'mkdir',
  'chown',
  'echo',
  'env',
  'id',
  'sleep',
  'true',
  'pwd',
  'printenv',
  'tar',
  'ls',
];

/** A root file system with a shell and little more, as a tar file in this folder: the layer of an image. */
export function tinyRoot(folder: string): string {
  const tar = join(folder, 'root.tar');
  const root = join(folder, 'root');
  mkdirSync(join(root, 'bin'), { recursive: true });
  mkdirSync(join(root, 'tmp'), { mode: 0o777 });
  mkdirSync(join(root, 'image-home'));
  cpSync(BUSYBOX, join(root, 'bin/busybox'));
  for (const name of APPLETS) symlinkSync('busybox', join(root, 'bin', name));
  execFileSync('tar', ['-C', root, '-cf', tar, '.']);
  rmSync(root, { recursive: true });
  return tar;
}
