import { appendFileSync } from 'node:fs';

/** One file takes what the programs behind the demo print; the screen shows the story. */
export class Log {
  constructor(readonly path: string) {}

  write(source: string, text: string): void {
    if (text !== '')
      appendFileSync(
        this.path,
        text.replace(/^(?=.)/gm, `[${source}] `) + (text.endsWith('\n') ? '' : '\n'),
      );
  }
}

/** What the demo promised and did not find: one line, told at the end with the path of the log. */
export class DemoFailure extends Error {}

/** @throws DemoFailure saying `otherwise` */
export function mustHold(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new DemoFailure(otherwise);
}
