/**
 * Ports of the host that lead to a guest in user mode networking, where nothing else can connect to it.
 * libvirt 9 has no forwarding of its own for QEMU's user mode network, so QEMU is asked by its monitor.
 */
import type { NodeForward, WantedForward } from '../provider.js';
import { runProgram } from './program.js';
import { batchUri } from './virsh.js';

const VIRSH = { debianPackage: 'libvirt-clients', timeoutMs: 20_000 };
/** libvirt's name of the first interface's host side. */
const NETWORK_DEVICE = 'hostnet0';
/** Of one range: other nodes and programs have some of them. */
const TRIES = 64;

/**
 * Opens a port for each, the preferred one or the next that is free in its range. Those that can't be had
 * are left out.
 */
export async function forwardPorts(
  { uri, domain, address }: { uri: string; domain: string; address: string },
  wanted: readonly WantedForward[],
): Promise<NodeForward[]> {
  const opened: NodeForward[] = [];
  for (const one of wanted) {
    const port = await open(one, async (candidate) => {
      const rule = `hostfwd_add ${NETWORK_DEVICE} ${one.protocol}:${address}:${String(candidate)}-:${String(one.backendPort)}`;
      const said = await runProgram(
        'virsh',
        ['-q', '-c', batchUri(uri), 'qemu-monitor-command', domain, '--hmp', rule],
        VIRSH,
      );
      return said.trim() === '';
    });
    const { protocol, backendPort } = one;
    if (port !== undefined) opened.push({ protocol, backendPort, address, port });
  }
  return opened;
}

async function open(
  { range: [start, end], preferred }: WantedForward,
  isOpened: (port: number) => Promise<boolean>,
): Promise<number | undefined> {
  const count = end - start + 1;
  for (let tried = 0; tried < Math.min(TRIES, count); tried += 1) {
    const port = start + ((preferred - start + tried) % count);
    if (await isOpened(port)) return port;
  }
  return undefined;
}
