import { existsSync, readFileSync, statfsSync } from 'node:fs';
import type { NodeMetrics } from '../../protocol/agent/message.js';

/**
 * Samples of the machine that the node runs on: processors since the last sample, memory and disk in
 * use, what disks and network moved since the machine started.
 */
export class Metrics {
  #busy = 0;
  #total = 0;

  constructor(private readonly root: string) {}

  sample(): NodeMetrics {
    return {
      cpuPercent: this.#cpuPercent(),
      memoryBytes: memoryBytes(),
      diskBytes: disk(this.root).used,
      ...diskTotals(),
      ...networkTotals(),
    };
  }

  #cpuPercent(): number {
    // First line of /proc/stat: user nice system idle iowait irq softirq steal, in ticks since boot.
    const ticks =
      readFileSync('/proc/stat', 'latin1')
        .split('\n', 1)[0]
        ?.trim()
        .split(/\s+/)
        .slice(1, 9)
        .map(Number) ?? [];
    const total = ticks.reduce((sum, value) => sum + value, 0);
    const busy = total - (ticks[3] ?? 0) - (ticks[4] ?? 0);
    const percent = total > this.#total ? (100 * (busy - this.#busy)) / (total - this.#total) : 0;
    this.#busy = busy;
    this.#total = total;
    return Math.round(Math.min(100, Math.max(0, percent)) * 10) / 10;
  }
}

/** Size and use of the file system that holds a directory, in bytes. */
export function disk(directory: string): { size: number; used: number } {
  const { bsize, blocks, bfree } = statfsSync(directory);
  return { size: blocks * bsize, used: (blocks - bfree) * bsize };
}

function memoryBytes(): number {
  const text = readFileSync('/proc/meminfo', 'latin1');
  const kibibytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
  return (kibibytes('MemTotal') - kibibytes('MemAvailable')) * 1024;
}

const SECTOR_BYTES = 512;
/** Partitions, loop and memory devices, and what is made of other disks: their numbers are in those too. */
const NOT_A_DISK = /^(loop|ram|zram|sr|fd|dm-|md|[shxv]+d[a-z]+\d+$|(nvme|mmcblk)\w*p\d+$)/;

function diskTotals(): Pick<
  NodeMetrics,
  'diskReadBytes' | 'diskWriteBytes' | 'diskReadOps' | 'diskWriteOps'
> {
  const total = { diskReadBytes: 0, diskWriteBytes: 0, diskReadOps: 0, diskWriteOps: 0 };
  // Documentation/admin-guide/iostats.rst: reads, merged, sectors, ms, writes, merged, sectors, …
  for (const line of linesOf('/proc/diskstats')) {
    const [, , name = '', ...counts] = line.trim().split(/\s+/);
    if (name === '' || NOT_A_DISK.test(name)) continue;
    const count = (at: number) => Number(counts[at] ?? 0);
    total.diskReadOps += count(0);
    total.diskReadBytes += count(2) * SECTOR_BYTES;
    total.diskWriteOps += count(4);
    total.diskWriteBytes += count(6) * SECTOR_BYTES;
  }
  return total;
}

/** Of every interface but the loopback. */
function networkTotals(): Pick<NodeMetrics, 'networkInBytes' | 'networkOutBytes'> {
  const total = { networkInBytes: 0, networkOutBytes: 0 };
  for (const line of linesOf('/proc/net/dev')) {
    const [name, counts] = line.split(':');
    if (name === undefined || counts === undefined || name.trim() === 'lo') continue;
    const bytes = counts.trim().split(/\s+/);
    total.networkInBytes += Number(bytes[0] ?? 0);
    total.networkOutBytes += Number(bytes[8] ?? 0);
  }
  return total;
}

/** None where this kernel has no such file (containers may hide it). */
function linesOf(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'latin1').split('\n') : [];
}
