/**
 * Many seeds, in this process or spread over several: each world depends on its seed alone, so what comes
 * of it is the same in whichever process and order it runs.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Canary } from './plant.js';
import { simulate, type Outcome } from './simulate.js';

export interface SeedsOptions {
  readonly from: number;
  readonly count: number;
  readonly processes: number;
  readonly canary?: Canary | undefined;
}

/** Outcomes in the order of their seeds. */
export async function* outcomesOf({
  from,
  count,
  processes,
  canary,
}: SeedsOptions): AsyncGenerator<Outcome> {
  if (processes > 1) return yield* spread(from, count, processes, canary);
  for (let seed = from; seed < from + count; seed += 1)
    yield await simulate(seed, canary === undefined ? {} : { canary });
}

type Told = { outcome: Outcome } | { error: string };

/** A process takes the next seed when it has done with one. */
async function* spread(
  from: number,
  count: number,
  processes: number,
  canary: Canary | undefined,
): AsyncGenerator<Outcome> {
  const done = new Map<number, Outcome>();
  let broken: Error | undefined;
  let wake: () => void = () => undefined;
  let next = from;
  const children = Array.from({ length: Math.min(processes, count) }, () => {
    const child = fork(fileURLToPath(new URL('seed-process.ts', import.meta.url)), {
      execArgv: ['--import', 'tsx'],
    });
    const goOn = () => {
      if (next < from + count) child.send({ seed: next++, canary });
      else child.disconnect();
    };
    child.on('message', (told: Told) => {
      if ('error' in told) broken ??= new Error(told.error);
      else done.set(told.outcome.seed, told.outcome);
      goOn();
      wake();
    });
    child.on('exit', (code) => {
      if (code !== 0) broken ??= new Error(`a process of seeds ended with ${String(code)}`);
      wake();
    });
    goOn();
    return child;
  });
  try {
    for (let seed = from; seed < from + count; seed += 1) {
      let outcome = done.get(seed);
      while (outcome === undefined) {
        if (broken !== undefined) throw broken;
        await new Promise<void>((resolve) => (wake = resolve));
        outcome = done.get(seed);
      }
      done.delete(seed);
      yield outcome;
    }
  } finally {
    for (const child of children) child.kill();
  }
}
