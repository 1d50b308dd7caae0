/**
 * npm run simulate -- --seeds N [--from S] [--parallel P] [--keep-going] [--coverage] [--record FILE]
 *                   | --seed S [--verbose], each with [--canary NAME]
 *
 * --keep-going   goes on after a seed that failed
 * --coverage     says how often each thing happened that worlds must show
 * --record FILE  writes what the run came to into the page, and keeps going
 *
 * Exit codes: 0 all seeds held; 3 crash, 4 safety, 5 liveness (of the first failure); 2 wrong flags.
 */
import { parseArgs } from 'node:util';
import { EXIT_CODES } from './failure.js';
import { CANARIES, type Canary } from './plant.js';
import { commitOf, coverageLines, record, Totals } from './record.js';
import { outcomesOf } from './seeds.js';
import { simulate, type Outcome } from './simulate.js';

function wholeNumber(name: string, text: string, minimum = 0): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < minimum)
    throw new RangeError(`--${name} ${text}: allowed is a whole number from ${minimum}`);
  return value;
}

function canaryOf(name: string | undefined): Canary | undefined {
  const canary = CANARIES.find((one) => one === name);
  if (name !== undefined && canary === undefined)
    throw new RangeError(`--canary ${name}: allowed are ${CANARIES.join(', ')}`);
  return canary;
}

function readFlags() {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '100' },
      from: { type: 'string', default: '1' },
      seed: { type: 'string' },
      parallel: { type: 'string', default: '1' },
      verbose: { type: 'boolean', default: false },
      coverage: { type: 'boolean', default: false },
      'keep-going': { type: 'boolean', default: false },
      record: { type: 'string' },
      canary: { type: 'string' },
    },
  });
  return {
    seed: values.seed === undefined ? undefined : wholeNumber('seed', values.seed),
    from: wholeNumber('from', values.from),
    count: wholeNumber('seeds', values.seeds, 1),
    processes: wholeNumber('parallel', values.parallel, 1),
    verbose: values.verbose,
    coverage: values.coverage,
    keepGoing: values['keep-going'] || values.record !== undefined,
    record: values.record,
    canary: canaryOf(values.canary),
  };
}
type Flags = ReturnType<typeof readFlags>;

function tell({ seed, failure, last }: Outcome): void {
  if (failure === undefined) return;
  console.log(last.map((line) => `  ${line}`).join('\n'));
  console.log(`seed ${seed} · commit ${commitOf()} · ${failure.kind} · ${failure.message}`);
  console.log(`again: npm run simulate -- --seed ${seed} --verbose`);
}

async function runOne(seed: number, { canary, verbose }: Flags): Promise<number> {
  console.log(`seed ${seed}`);
  const outcome = await simulate(seed, {
    ...(canary === undefined ? {} : { canary }),
    ...(verbose ? { print: (line: string) => console.log(line) } : {}),
  });
  tell(outcome);
  console.log(`${outcome.transitions} transitions, hash ${outcome.hash}`);
  return outcome.failure === undefined ? 0 : EXIT_CODES[outcome.failure.kind];
}

async function runMany(flags: Flags): Promise<number> {
  const { from, count, keepGoing, processes } = flags;
  console.log(`seeds from ${from}, ${count} of them`);
  const totals = new Totals();
  for await (const outcome of outcomesOf(flags)) {
    totals.take(outcome);
    tell(outcome);
    if (outcome.failure !== undefined && !keepGoing) break;
  }
  if (flags.coverage) console.log(coverageLines(totals).join('\n'));
  if (flags.record !== undefined) record(flags.record, totals, from, processes);
  const { seeds, failed, minutes, virtualMs } = totals;
  console.log(
    `${seeds - failed.length} of ${seeds} seeds held, hash ${totals.hash}: ${Math.round(seeds / minutes)} seeds a minute, ${Math.round(virtualMs / 3_600_000 / minutes)} simulated hours a minute`,
  );
  const [first] = failed;
  return first?.failure === undefined ? 0 : EXIT_CODES[first.failure.kind];
}

try {
  const flags = readFlags();
  process.exitCode =
    flags.seed === undefined ? await runMany(flags) : await runOne(flags.seed, flags);
} catch (error) {
  console.error(`simulate: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}
