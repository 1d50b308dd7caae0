import { NodeProvisionError } from '../provider.js';
import type { NodeSpecification } from '../provider.js';
import { networkAdvice } from './network-advice.js';
import type { NodeFiles, Room } from './node-files.js';

const NO_SPACE = /no space left|ENOSPC/i;
const NOT_THERE =
  /inaccessible backing store|could not open (backing file|backing image)|no such file or directory|ENOENT/i;
const NO_NETWORK = /network not found|network .* is not active/i;
const MIB = 1024 ** 2;

/** An error that says which node and which hypervisor, in libvirt's words or QEMU's, and what helps. */
export async function provisionError(
  { nodeKey }: NodeSpecification,
  { name, uri }: { name: string; uri: string },
  files: () => Promise<NodeFiles>,
  error: unknown,
): Promise<NodeProvisionError> {
  const words = error instanceof Error ? error.message : String(error);
  const known = error instanceof NodeProvisionError;
  if (NOT_THERE.test(words))
    await files().then(
      (opened) => {
        opened.forget();
      },
      // Not to be opened either: nothing is remembered then.
      () => undefined,
    );
  if (known && !NO_SPACE.test(words)) return error;
  const advice = NO_SPACE.test(words)
    ? await roomAdvice(files)
    : NO_NETWORK.test(words)
      ? await networkAdvice(uri)
      : adviceFor(words);
  return new NodeProvisionError(
    known ? error.code : 'AllocationFailed',
    `node ${nodeKey} could not be started on hypervisor ${name} (${uri}): ${words}${advice}`,
    { cause: error },
  );
}

async function roomAdvice(files: () => Promise<NodeFiles>): Promise<string> {
  const cure = (setting: Room['setting']) =>
    `make room there (nodes of other pools, old files), or set \`${setting}\` of the hypervisor to a place with more`;
  try {
    const { what, setting, bytes, freeBytes } = await (await files()).room('now');
    return `; ${what} is full: ${mib(freeBytes)} of ${mib(bytes)} MiB are free; ${cure(setting)}`;
  } catch (error) {
    return `; how much is free there could not be found out (${error instanceof Error ? error.message : String(error)})`;
  }
}

const mib = (bytes: number) => String(Math.floor(bytes / MIB));

/** What helps against libvirt's more frequent words. */
function adviceFor(words: string): string {
  if (/permission denied/i.test(words))
    return '; may the user that QEMU runs as read the disk folder? `batchyard doctor` looks';
  if (/cannot allocate memory|out of memory/i.test(words))
    return '; choose a smaller VM size or fewer nodes';
  if (NOT_THERE.test(words))
    return '; a file that the disk stands on was not there: it is put there again at the next try, where the image itself is whole (`qemu-img convert -O qcow2` makes one that stands alone)';
  if (/kvm/i.test(words))
    return '; set `domainType: qemu` of the hypervisor where kvm does not work';
  return '';
}
