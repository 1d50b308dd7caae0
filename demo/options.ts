import { mkdtempSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command, Option } from 'commander';

export interface DemoOptions {
  /** Folder whose text files are counted. */
  folder: string;
  nodes: 'process' | 'libvirt';
  /** libvirt only: kvm, qemu, or what a probe finds. */
  domainType: 'auto' | 'kvm' | 'qemu';
  keep: boolean;
  /** Controller data, Pulumi state and the log. */
  directory: string;
}

/** Reads the command line; a wrong flag or folder ends the process with one line and exit code 2. */
export function readOptions(argv: string[]): DemoOptions {
  const command = new Command('npm run demo --')
    .description(
      'Starts a controller, deploys examples/quickstart with Pulumi, watches it work, and removes it again.',
    )
    .option('--folder <path>', 'folder whose text files are counted', '/usr/share/common-licenses')
    .addOption(
      new Option('--nodes <kind>', 'what the pool is made of')
        .choices(['process', 'libvirt'])
        .default('process'),
    )
    .addOption(
      new Option('--domain-type <type>', 'for libvirt nodes')
        .choices(['auto', 'kvm', 'qemu'])
        .default('auto'),
    )
    .option('--keep', 'leave everything running and say how to look around', false)
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));
  const { folder, nodes, domainType, keep } = command
    .parse(argv)
    .opts<Omit<DemoOptions, 'directory'>>();
  const absolute = resolve(folder);
  if (!statSync(absolute, { throwIfNoEntry: false })?.isDirectory()) {
    console.error(`error: option '--folder <path>': ${absolute} is not a folder`);
    process.exit(2);
  }
  const directory = mkdtempSync(join(tmpdir(), 'batchyard-demo-'));
  return { folder: absolute, nodes, domainType, keep, directory };
}
