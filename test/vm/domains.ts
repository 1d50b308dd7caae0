import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** What the tests of VM nodes ask libvirt and the disk folder themselves, past the controller. */
const virsh = (...args: string[]) =>
  execFileSync('virsh', ['-c', 'qemu:///system', ...args], { encoding: 'utf8' });

/** Domains of any kind whose disks are below the folder. */
export function domainsOf(folder: string): string[] {
  const names = virsh('list', '--all', '--name').split('\n').filter(Boolean);
  return names.filter((name) => {
    try {
      return virsh('dumpxml', name).includes(folder);
    } catch {
      // It ended between the two looks.
      return false;
    }
  });
}

/** Ends what a failed test left: it would outlive everything else. */
export function destroyDomainsOf(folder: string): void {
  for (const name of domainsOf(folder)) virsh('destroy', name);
}

/** As a QEMU that crashes: the processes whose disks have the text in their paths. */
export function killGuests(text: string): void {
  const lines = execFileSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' }).split('\n');
  for (const line of lines)
    if (/^ *\d+ \S*qemu-system/.test(line) && line.includes(text))
      process.kill(Number.parseInt(line, 10), 'SIGKILL');
}

/** Files of nodes below the disk directory: everything but what nodes share. */
export function filesOf(disks: string): string[] {
  if (!existsSync(disks)) return [];
  const entries = readdirSync(disks, { recursive: true, encoding: 'utf8' });
  return entries.filter((entry) => !/^(shared|templates|images)(\/|$)/.test(entry));
}

/** The end of each console log, for the message of a failure. */
export function consolesOf(disks: string): string {
  if (!existsSync(disks)) return 'no console log';
  return readdirSync(disks, { recursive: true, encoding: 'utf8' })
    .filter((entry) => entry.endsWith('console.log'))
    .map((entry) => `${entry}:\n${readFileSync(join(disks, entry), 'latin1').slice(-2000)}`)
    .join('\n');
}
