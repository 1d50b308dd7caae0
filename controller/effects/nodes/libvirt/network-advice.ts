import { runProgram } from './program.js';

const VIRSH = { debianPackage: 'libvirt-clients', timeoutMs: 20_000 };

/** What helps where a hypervisor has not started the network of a node: which it has, and what to do. */
export async function networkAdvice(uri: string): Promise<string> {
  const names = await activeNetworks(uri);
  const known = names === undefined ? '' : ` (there are: ${names.join(', ') || 'none'})`;
  return (
    `; it has started no network of that name${known}: \`virsh -c ${uri} net-start NAME\` starts one that is defined, ` +
    'or name another as the last part of `subnetId`, or leave `subnetId` out'
  );
}

/** Undefined where libvirt does not say: the error is told without them. */
async function activeNetworks(uri: string): Promise<string[] | undefined> {
  try {
    const told = await runProgram('virsh', ['-q', '-c', uri, 'net-list', '--name'], VIRSH);
    return told
      .split('\n')
      .map((line) => line.trim())
      .filter(Boolean);
  } catch {
    return undefined;
  }
}
