import { readSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { uptime } from 'node:os';

/** How a process ended whose parent had died: an exit code, or minus the number of a signal. */
export interface OrphanEnd {
  pid: number;
  exitCode: number;
  /** Epoch milliseconds. */
  endTime: number;
  userCpuMs: number;
  kernelCpuMs: number;
}

/** What the survivor tells a new agent. */
export interface SurvivorNews {
  /** By this program's monotonic clock; absent: no lease lasts. */
  leaseUntil?: number;
  /** The lease has ended and everything of the node was killed. */
  lapsed: boolean;
  ended: OrphanEnd[];
}

const LINE_BYTES = 4096;
/** Between our clock and the one of the system's uptime, in milliseconds. */
const offset = () => uptime() * 1000 - performance.now();

/**
 * The other side of survivor.pl: the process that outlives this agent, keeps the exit codes of what
 * outlived it too, and kills everything when the lease ends. Its descriptors come in the environment;
 * `connect` answers undefined where nobody has started this agent so.
 */
export class Survivor {
  #told = '';

  private constructor(
    readonly news: SurvivorNews,
    private readonly output: number,
    private readonly input: number,
    private readonly rest: string,
  ) {}

  static connect(environment: NodeJS.ProcessEnv): Survivor | undefined {
    const match = /^(\d+),(\d+)$/.exec(environment.BATCHYARD_SURVIVOR ?? '');
    delete environment.BATCHYARD_SURVIVOR;
    if (match === null) return undefined;
    const [input, output] = [Number(match[1]), Number(match[2])];
    const news: SurvivorNews = { lapsed: false, ended: [] };
    let text = '';
    const bytes = Buffer.alloc(LINE_BYTES);
    for (;;) {
      const at = text.indexOf('\n');
      if (at < 0) {
        const count = readSync(input, bytes);
        if (count === 0) throw new Error('the survivor went away before it said all it knows');
        text += bytes.toString('latin1', 0, count);
        continue;
      }
      const line = text.slice(0, at);
      text = text.slice(at + 1);
      if (line === 'ready') return new Survivor(news, output, input, text);
      take(line, news);
    }
  }

  /** Calls `ended` for each process that loses this survivor's other children from now on. */
  listen(ended: (end: OrphanEnd) => void): void {
    let text = this.rest;
    const lines = () => {
      for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n')) {
        const end = readEnd(text.slice(0, at));
        text = text.slice(at + 1);
        if (end !== undefined) ended(end);
      }
    };
    lines();
    new Socket({ fd: this.input, readable: true, writable: false })
      .on('data', (chunk: Buffer) => {
        text += chunk.toString('latin1');
        lines();
      })
      // It is gone: this agent goes on, and nobody will outlive it.
      .on('error', () => undefined)
      .unref();
  }

  /** Where the next agent finds what this one knows. */
  tellRoot(rootDirectory: string): void {
    this.#tell(`root ${rootDirectory}`);
  }

  /** Until when (by the monotonic clock) nobody has to be killed; undefined: there is nobody to kill. */
  guard(until: number | undefined): void {
    const line =
      until === undefined ? 'lease none' : `lease ${((until + offset()) / 1000).toFixed(2)}`;
    if (line === this.#told) return;
    this.#told = line;
    this.#tell(line);
  }

  #tell(line: string): void {
    try {
      writeSync(this.output, `${line}\n`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
    }
  }
}

function take(line: string, news: SurvivorNews): void {
  const lease = /^lease ([\d.]+)$/.exec(line)?.[1];
  const end = readEnd(line);
  if (lease !== undefined) news.leaseUntil = Number(lease) * 1000 - offset();
  else if (line === 'lapsed') news.lapsed = true;
  else if (end !== undefined) news.ended.push(end);
}

function readEnd(line: string): OrphanEnd | undefined {
  const match = /^ended (\d+) (\d+) ([\d.]+) (\d+) (\d+)$/.exec(line);
  if (match === null) return undefined;
  const [pid = 0, status = 0, at = 0, userCpuMs = 0, kernelCpuMs = 0] = match.slice(1).map(Number);
  const signal = status & 0x7f;
  return {
    pid,
    exitCode: signal === 0 ? (status >> 8) & 0xff : -signal,
    endTime: Math.round(Date.now() - (uptime() - at) * 1000),
    userCpuMs,
    kernelCpuMs,
  };
}
