import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { addUp, HAPPENINGS, type Coverage } from './coverage.js';
import { hashText } from './random.js';
import type { Outcome } from './simulate.js';

/** What a run of many seeds comes to. */
export class Totals {
  readonly #begun = performance.now();
  readonly failed: Outcome[] = [];
  readonly #coverage: Coverage['counts'][] = [];
  #hash = 0;
  seeds = 0;
  transitions = 0;
  commits = 0;
  virtualMs = 0;

  take(outcome: Outcome): void {
    this.seeds += 1;
    this.transitions += outcome.transitions;
    this.commits += outcome.commits;
    this.virtualMs += outcome.virtualMs;
    this.#hash = hashText(
      `${outcome.seed} ${outcome.hash} ${outcome.transitions} ${outcome.failure?.kind ?? 'held'}`,
      this.#hash,
    );
    this.#coverage.push(outcome.coverage);
    if (outcome.failure !== undefined) this.failed.push(outcome);
    // A sum instead of ten thousand parts.
    if (this.#coverage.length > 100) this.#coverage.splice(0, Infinity, addUp(this.#coverage));
  }

  /** Of all outcomes in the order of their seeds: whoever runs the same seeds gets the same. */
  get hash(): string {
    return this.#hash.toString(16).padStart(8, '0');
  }

  get coverage(): ReturnType<typeof addUp> {
    return addUp(this.#coverage);
  }

  get minutes(): number {
    return (performance.now() - this.#begun) / 60_000;
  }
}

/** The commit, and whether what runs is just that. */
export function commitOf(): string {
  const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8' }).trim();
  try {
    const changed = git('status', '--porcelain', '--', 'controller', 'agent', 'protocol', 'test');
    return `${git('rev-parse', '--short=12', 'HEAD')}${changed === '' ? '' : ' with changes'}`;
  } catch {
    return 'unknown'; // Not a clone: the seeds alone must do.
  }
}

export const coverageLines = (totals: Totals): string[] =>
  Object.entries(totals.coverage).map(
    ([name, count]) =>
      `| ${HAPPENINGS[name as keyof typeof HAPPENINGS]} | ${count.toLocaleString('en')} |`,
  );

const BEGIN = '<!-- recorded run: written by npm run simulate -- --record -->';
const END = '<!-- end of the recorded run -->';

/** Puts the run into a page between its two marks, or makes a page of it. */
export function record(file: string, totals: Totals, from: number, processes: number): void {
  const number = (value: number) => Math.round(value).toLocaleString('en');
  const { seeds, failed, minutes } = totals;
  const parallel = processes > 1 ? ` --parallel ${processes}` : '';
  const lines = [
    '| | |',
    '|---|---|',
    `| commit | \`${commitOf()}\` |`,
    `| again | \`npm run simulate -- --from ${from} --seeds ${seeds}${parallel} --keep-going\` |`,
    `| seeds | ${number(seeds)}, from ${from} |`,
    `| failed | ${failed.length === 0 ? 'none' : failed.map(({ seed }) => seed).join(', ')} |`,
    `| hash over all outcomes | \`${totals.hash}\` |`,
    `| seeds a minute | ${number(seeds / minutes)} (${processes} processes on ${availableParallelism()} cores, Node ${process.versions.node}) |`,
    `| transitions | ${number(totals.transitions)} |`,
    `| commits | ${number(totals.commits)} |`,
    `| virtual time | ${number(totals.virtualMs / 3_600_000)} hours in ${number(minutes)} minutes |`,
    '',
    '| what happened | times |',
    '|---|---|',
    ...coverageLines(totals),
  ];
  const section = [BEGIN, '', ...lines, '', END].join('\n');
  const page = read(file);
  const [start, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  writeFileSync(
    file,
    start < 0 || end < 0
      ? `${page}${section}\n`
      : `${page.slice(0, start)}${section}${page.slice(end + END.length)}`,
  );
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
