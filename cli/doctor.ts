import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Finding } from './doctor/check.js';
import { binding, image, kvm, kvmAccess, libvirt, qemu, reaping } from './doctor/libvirt.js';
import { docker, node, ports, pulumi } from './doctor/machine.js';

interface DoctorOptions {
  json?: boolean;
  /** libvirt connection to look at. */
  uri?: string;
  /** false: don't boot a guest to try KVM. */
  probe?: boolean;
}

const MARKS = { ok: 'ok  ', warn: 'warn', fail: 'FAIL' } as const;

/**
 * `batchyard doctor`: looks at this machine and says for each thing whether it works and what helps.
 * Answers with the exit code: 1 where something that is set up doesn't work, else 0.
 */
export async function doctor(options: DoctorOptions): Promise<number> {
  const findings: Finding[] = [];
  for await (const finding of look(options)) {
    findings.push(finding);
    if (options.json !== true) process.stdout.write(line(finding));
  }
  const failed = findings.filter(({ status }) => status === 'fail').length;
  if (options.json === true)
    process.stdout.write(`${JSON.stringify({ ok: failed === 0, findings }, null, 2)}\n`);
  return failed === 0 ? 0 : 1;
}

async function* look({
  uri = 'qemu:///system',
  probe = true,
}: DoctorOptions): AsyncGenerator<Finding> {
  const cache = process.env['BATCHYARD_CACHE'] ?? join(homedir(), '.cache', 'batchyard');
  const images = join(cache, 'images', 'debian-12');
  yield node();
  yield* await ports();
  yield docker();
  yield pulumi(cache);
  const [bound, answered] = [await binding(), libvirt(uri)];
  yield bound;
  yield answered;
  yield qemu();
  yield await reaping();
  yield kvmAccess(uri);
  yield await kvm(uri, probe && bound.status === 'ok' && answered.status === 'ok', images);
  yield image(images);
}

function line({ name, status, seen, cure }: Finding): string {
  const help = cure === undefined ? '' : `\n${' '.repeat(26)}→ ${cure}`;
  return `${MARKS[status]}  ${name.padEnd(18)}  ${seen}${help}\n`;
}
