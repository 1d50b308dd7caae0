import { readFileSync, writeFileSync } from 'node:fs';

const KERNEL = '/proc/sys/kernel/hostname';
const HOSTS = '/etc/hosts';
/** Ends the line of the file that is ours to change. */
const MARK = '# this node';

/**
 * Gives a machine that is a node's own the node's name, and lets the name be found as the node's address:
 * programs that run on several nodes tell them apart by it.
 */
export function takeHostName(name: string, address: string): void {
  writeFileSync(KERNEL, name);
  const lines = readFileSync(HOSTS, 'utf8').split('\n');
  const others = lines.filter((line) => line !== '' && !line.endsWith(MARK));
  writeFileSync(HOSTS, `${[...others, `${address} ${name} ${MARK}`].join('\n')}\n`);
}
