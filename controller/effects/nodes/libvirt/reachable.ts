import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** A system user as files see it. */
export interface FileUser {
  name: string;
  uid: number;
  gids: ReadonlySet<number>;
}

/** Names that distributions give to the user QEMU runs as under a system libvirtd. */
const QEMU_USERS = ['libvirt-qemu', 'qemu'];

/** Who QEMU runs as for this URI; undefined: as we do, or nobody knows. */
export function qemuUser(uri: string): FileUser | undefined {
  if (!/^qemu:\/\/\/system\b/.test(uri)) return undefined;
  try {
    const users = readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => line.split(':'));
    const found = users.find(([name]) => name !== undefined && QEMU_USERS.includes(name));
    if (found?.[0] === undefined) return undefined;
    const name = found[0];
    const groups = readFileSync('/etc/group', 'utf8')
      .split('\n')
      .map((line) => line.split(':'));
    const further = groups.filter(([, , , members]) => members?.split(',').includes(name) === true);
    const gids = [found[3], ...further.map(([, , gid]) => gid)].map(Number);
    return { name, uid: Number(found[2]), gids: new Set(gids) };
  } catch {
    // No such files here: nothing can be said beforehand, libvirt will.
    return undefined;
  }
}

/** The first folder on the way to the path that the user may not pass; undefined: it may pass all. */
export function closedFolder(path: string, user: FileUser): string | undefined {
  const above: string[] = [];
  for (let at = path; ; at = dirname(at)) {
    above.unshift(at);
    if (dirname(at) === at) break;
  }
  return above.find((folder) => !mayPass(folder, user));
}

function mayPass(folder: string, { uid, gids }: FileUser): boolean {
  if (uid === 0) return true;
  const stat = statSync(folder, { throwIfNoEntry: false });
  // It will be made by us, open to pass.
  if (stat === undefined) return true;
  if (stat.uid === uid) return (stat.mode & 0o100) !== 0;
  return (stat.mode & (gids.has(stat.gid) ? 0o010 : 0o001)) !== 0;
}
