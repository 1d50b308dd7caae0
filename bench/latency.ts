import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { openBench, type Bench } from './noop.js';

/** Prints when it began, in nanoseconds since the epoch: its own start counts as part of what is measured. */
const DATE = '/bin/date +%s%N';
const POLL_MS = 2;
/** So that what is measured begins on an idle system. */
const QUIET_MS = 20;
const TIMEOUT_MS = 30_000;

const now = () => performance.timeOrigin + performance.now();

function percentiles(name: string, milliseconds: number[]): string {
  const sorted = milliseconds.toSorted((a, b) => a - b);
  const at = (share: number) =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN).toFixed(1);
  return `| ${name} | ${at(0.5)} | ${at(0.9)} | ${at(0.99)} | ${at(1)} |`;
}

/**
 * P4: one task at a time on an idle system, from before its request to when its process says that it began;
 * from the last word of a task to the first of the one that depends on it; and beside the first, in turn,
 * Node's own spawn of the same program.
 */
export async function benchLatency(samples: number): Promise<void> {
  const bench = await openBench();
  try {
    await bench.client.send('POST', '/jobs', [201], {
      ...{ id: 'latency', poolInfo: { poolId: 'bench' }, usesTaskDependencies: true },
    });
    const probe = new Probe(bench);
    for (let warm = 0; warm < 50; warm += 1) await probe.start();
    const starts: number[] = [];
    const spawns: number[] = [];
    for (let sample = 0; sample < samples; sample += 1) {
      starts.push(await probe.start());
      spawns.push(await spawned());
    }
    const gaps: number[] = [];
    for (let sample = 0; sample < samples / 2; sample += 1) gaps.push(await probe.gap());
    console.log(
      `one task at a time, ${samples} samples (gaps: ${gaps.length}); milliseconds\n\n| | p50 | p90 | p99 | most |\n|---|---|---|---|---|`,
    );
    console.log(percentiles('request to process started', starts));
    console.log(percentiles("the same program by Node's spawn", spawns));
    console.log(percentiles('end of a task to start of its dependant', gaps));
  } finally {
    await bench.close();
  }
}

class Probe {
  #count = 0;

  constructor(private readonly bench: Bench) {}

  /** Milliseconds from the request to the start of the process. */
  async start(): Promise<number> {
    const id = `t${(this.#count += 1)}`;
    await pause(QUIET_MS);
    const began = now();
    await this.#add({ id, commandLine: DATE });
    return (await this.#printed(id)) - began;
  }

  /** Milliseconds from the last word of a task to the start of the one that depends on it. */
  async gap(): Promise<number> {
    const [first, second] = [`a${(this.#count += 1)}`, `b${this.#count}`];
    await this.#add({ id: second, commandLine: DATE, dependsOn: { taskIds: [first] } });
    await this.#add({ id: first, commandLine: `/bin/sh -c 'sleep 0.03; exec ${DATE}'` });
    const ended = await this.#printed(first);
    return (await this.#printed(second)) - ended;
  }

  async #add(task: object): Promise<void> {
    await this.bench.client.send('POST', '/jobs/latency/tasks', [201], task);
  }

  /** What a task printed, as milliseconds since the epoch. */
  async #printed(id: string): Promise<number> {
    const deadline = now() + TIMEOUT_MS;
    while (now() < deadline) {
      for (const root of this.#roots()) {
        const text = read(join(root, 'workitems/latency/job-1', id, 'stdout.txt'));
        if (text.endsWith('\n')) return Number(BigInt(text.trim()) / 1000n) / 1000;
      }
      await pause(POLL_MS);
    }
    throw new Error(`task ${id} has printed nothing in ${TIMEOUT_MS} ms`);
  }

  #roots(): string[] {
    const { dataDirectory, account } = this.bench.controller;
    const pool = join(dataDirectory, 'nodes', account, 'bench');
    return readdirSync(pool).map((node) => join(pool, node));
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // not there yet
  }
}

async function spawned(): Promise<number> {
  await pause(QUIET_MS);
  const [program = '', ...flags] = DATE.split(' ');
  const began = now();
  const child = spawn(program, flags, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  for await (const part of child.stdout) text += String(part);
  return Number(BigInt(text.trim()) / 1000n) / 1000 - began;
}
