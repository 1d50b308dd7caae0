/**
 * npm run simulate -- --seeds N [--from S] | --seed S [--verbose] [--canary NAME]
 *
 * Exit codes: 0 all seeds held; 3 crash, 4 safety, 5 liveness (of the first failure); 2 wrong flags.
 */
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { EXIT_CODES } from './failure.js';
import { CANARIES, type Canary } from './options.js';
import { simulate, type Outcome } from './simulate.js';

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0)
    throw new RangeError(`--${name} ${text}: allowed is a whole number from 0`);
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
      seeds: { type: 'string' },
      from: { type: 'string', default: '1' },
      seed: { type: 'string' },
      verbose: { type: 'boolean', default: false },
      canary: { type: 'string' },
    },
  });
  const one = values.seed === undefined ? undefined : wholeNumber('seed', values.seed);
  return {
    from: one ?? wholeNumber('from', values.from),
    count: one === undefined ? wholeNumber('seeds', values.seeds ?? '100') : 1,
    verbose: values.verbose,
    canary: canaryOf(values.canary),
  };
}

const commit = () => {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  } catch {
    return 'unknown'; // Not a clone: the seed alone must do.
  }
};

function tell(outcome: Outcome): void {
  const { failure } = outcome;
  if (failure === undefined) return;
  console.log(outcome.last.map((line) => `  ${line}`).join('\n'));
  console.log(`seed ${outcome.seed} · commit ${commit()} · ${failure.kind} · ${failure.message}`);
  console.log(`again: npm run simulate -- --seed ${outcome.seed} --verbose`);
}

async function run({
  from,
  count,
  verbose,
  canary,
}: ReturnType<typeof readFlags>): Promise<number> {
  const begun = performance.now();
  let virtualMs = 0;
  for (let seed = from; seed < from + count; seed += 1) {
    if (verbose || count === 1) console.log(`seed ${seed}`);
    const outcome = await simulate(seed, {
      ...(canary === undefined ? {} : { canary }),
      ...(verbose ? { print: (line: string) => console.log(line) } : {}),
    });
    virtualMs += outcome.virtualMs;
    tell(outcome);
    if (outcome.failure !== undefined) return EXIT_CODES[outcome.failure.kind];
    if (count === 1) console.log(`${outcome.transitions} transitions, hash ${outcome.hash}`);
  }
  const minutes = (performance.now() - begun) / 60_000;
  console.log(
    `${count} seeds held: ${Math.round(count / minutes)} seeds a minute, ${Math.round(virtualMs / 3_600_000 / minutes)} simulated hours a minute`,
  );
  return 0;
}

try {
  const flags = readFlags();
  console.log(`seeds from ${flags.from}, ${flags.count} of them`);
  process.exitCode = await run(flags);
} catch (error) {
  console.error(`simulate: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}
