import type { LibvirtConnection } from './connection.js';
import type { NodeFiles } from './node-files.js';
import { Virsh, batchUri } from './virsh.js';

/** What a guest that is started again should find free: else it stands still again at once. */
const FREE_BYTES_MIN = 64 * 1024 ** 2;
const FREE_SHARE_MIN = 0.05;
const MIB = 1024 ** 2;

/**
 * QEMU pauses a guest whose disk can't be written. Why it stands still, for its node to tell; undefined: it
 * does not, or somebody else paused it. Where there is room again it is ended: its time stood still with it, so
 * its agent's lease says nothing, and only another boot of the node may run tasks.
 */
export async function stalled(
  connection: LibvirtConnection,
  files: NodeFiles,
  domain: string,
): Promise<string | undefined> {
  const said = await new Virsh(batchUri(connection.uri)).run([['domstate', '--reason', domain]]);
  if (!/I\/O error/i.test(said)) return undefined;
  const { what, setting, bytes, freeBytes } = await files.room('now');
  if (freeBytes >= Math.min(FREE_BYTES_MIN, bytes * FREE_SHARE_MIN)) {
    await connection.destroy(domain);
    return undefined;
  }
  return (
    `The node stands still: its disk can't be written, as ${what} is full (${String(Math.floor(freeBytes / MIB))} of ` +
    `${String(Math.floor(bytes / MIB))} MiB are free). Make room there, and it is started again; or remove nodes, or set ` +
    `\`${setting}\` of the hypervisor to a place with more`
  );
}
