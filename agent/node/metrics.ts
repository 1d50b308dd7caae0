import { readFileSync, statfsSync } from 'node:fs';
import type { NodeMetrics } from '../../protocol/agent/message.js';

/** Samples of the machine that the node runs on: processors since the last sample, memory and disk in use. */
export class Metrics {
  #busy = 0;
  #total = 0;

  constructor(private readonly root: string) {}

  sample(): NodeMetrics {
    return {
      cpuPercent: this.#cpuPercent(),
      memoryBytes: memoryBytes(),
      diskBytes: disk(this.root).used,
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
