import type { Change, Commit } from './committed.js';
import { BEGINNING } from './clock.js';
import type { RunningTry } from './observers.js';
import { hashText } from './random.js';

const KEPT = 40;

/** Everything that became durable or ran, one line each: the last ones for a report, all in one hash. */
export class Transitions {
  readonly #last: string[] = [];
  #hash = 0;
  #count = 0;

  constructor(private readonly print: ((line: string) => void) | undefined) {}

  get hash(): string {
    return this.#hash.toString(16).padStart(8, '0');
  }

  get count(): number {
    return this.#count;
  }

  get last(): readonly string[] {
    return this.#last;
  }

  committed({ number, at, changes }: Commit): void {
    for (const change of changes) this.add(at, `#${number} ${lineOf(change)}`);
  }

  ran(verb: 'starts' | 'ends', at: number, { agent, taskKey, attempt }: RunningTry): void {
    this.add(at, `${agent.nodeKey};${agent.incarnation} ${verb} ${taskKey}#${attempt}`);
  }

  add(at: number, text: string): void {
    const line = `${((at - BEGINNING) / 1000).toFixed(3)}s ${text}`;
    this.#count += 1;
    this.#hash = hashText(line, this.#hash);
    this.#last.push(line);
    if (this.#last.length > KEPT) this.#last.shift();
    this.print?.(line);
  }
}

function lineOf(change: Change): string {
  const { kind, key, before, after } = change;
  const name = `${kind} ${key}`;
  if (after === undefined) return `${name} gone`;
  return `${before === undefined ? 'new ' : ''}${name} ${describe(change)}`;
}

function describe(change: Change): string {
  switch (change.kind) {
    case 'task': {
      const { before, after } = change;
      if (after === undefined) return 'gone';
      const { phase, node, attempt, stopping, execution } = after;
      const from = before === undefined || before.state === after.state ? '' : `${before.state}→`;
      const where = phase === undefined ? '' : ` ${phase} on ${node ?? '?'}`;
      const stop = stopping === undefined ? '' : ` stopping then ${stopping.then}`;
      const wide = after.requiredSlots === 1 ? '' : ` needs ${after.requiredSlots}`;
      const end = execution.result === undefined ? '' : ` ${execution.result}`;
      return `${from}${after.state}${where} #${attempt}${wide}${stop}${end}`;
    }
    case 'node': {
      const { before, after } = change;
      if (after === undefined) return 'gone';
      const from = before === undefined || before.state === after.state ? '' : `${before.state}→`;
      const leaving = after.leaving === undefined ? '' : ` leaving(${after.leaving.option})`;
      return `${from}${after.state};${after.incarnation} runs ${after.runningTasksCount} seen ${after.lastEventSequence}${leaving}`;
    }
    case 'pool': {
      const { after } = change;
      return after === undefined
        ? 'gone'
        : `${after.state} ${after.allocationState} target ${after.targetDedicatedNodes} slots ${after.specification.taskSlotsPerNode}`;
    }
    case 'job':
    case 'jobSchedule': {
      const { before, after } = change;
      if (after === undefined) return 'gone';
      const from = before === undefined || before.state === after.state ? '' : `${before.state}→`;
      const counts = 'taskCounts' in after ? ` ${JSON.stringify(after.taskCounts)}` : '';
      return `${from}${after.state}${counts}`;
    }
    default:
      return 'changed';
  }
}
