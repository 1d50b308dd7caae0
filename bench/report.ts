/** One run of one contestant. Memory: the largest process (peers), or the sum of all processes (Batchyard). */
export interface Measured {
  name: string;
  seconds: number;
  tasks: number;
  cpuSeconds: number;
  peakMemoryMiB: number;
}

const median = (values: number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

/** A Markdown table with medians and ranges over the runs, and the ratios that the claims are about. */
export function summarise(runs: Measured[][]): string {
  const names = [...new Set(runs.flat().map(({ name }) => name))];
  const rates = new Map(names.map((name) => [name, runs.map((run) => rate(run, name))]));
  const rows = names.map((name) => {
    const own = runs.flatMap((run) => run.filter((measured) => measured.name === name));
    const values = rates.get(name) ?? [];
    return `| ${name} | ${Math.round(median(values))} (${Math.round(Math.min(...values))}–${Math.round(Math.max(...values))}) | ${median(own.map((m) => m.cpuSeconds)).toFixed(1)} | ${Math.round(median(own.map((m) => m.peakMemoryMiB)))} |`;
  });
  const ours = rates.get('Batchyard') ?? [];
  const ratios = names
    .filter((name) => name !== 'Batchyard')
    .map(
      (name) =>
        `${median(ours.map((value, index) => value / (rates.get(name)?.[index] ?? NaN))).toFixed(2)} × ${name}`,
    );
  return [
    `| contestant | tasks/s: median (min–max) of ${runs.length} | CPU seconds | peak memory MiB |`,
    '|---|---|---|---|',
    ...rows,
    '',
    `Batchyard reaches ${ratios.join(', ')} (median of the ratios within each round).`,
  ].join('\n');
}

function rate(run: Measured[], name: string): number {
  const own = run.filter((measured) => measured.name === name);
  return median(own.map(({ tasks, seconds }) => tasks / seconds));
}
