import { SingleBar } from 'cli-progress';
import Table from 'cli-table3';

const live = process.stdout.isTTY === true;
const started = Date.now();
const seconds = () => `${((Date.now() - started) / 1000).toFixed(0).padStart(4)} s`;

export function say(text: string): void {
  console.log(`${seconds()}  ${text}`);
}

/** A step that was seen to be true. */
export function tick(text: string): void {
  console.log(`${seconds()}  ✓ ${text}`);
}

/** Tells a text when it is another one than the last time. */
export function onChange(tell: (text: string) => void): (text: string) => void {
  let last: string | undefined;
  return (text) => {
    if (text !== last) tell(text);
    last = text;
  };
}

/** A bar on a terminal; on anything else a plain line whenever the text changed, at most one a second. */
export class Progress {
  readonly #bar: SingleBar | undefined;
  #last = '';
  #lastTime = 0;

  constructor(total: number) {
    if (!live) return;
    this.#bar = new SingleBar({
      format: '        {bar} {value}/{total} tasks · {text}',
      hideCursor: true,
      clearOnComplete: true,
    });
    this.#bar.start(total, 0, { text: '' });
  }

  update(done: number, total: number, text: string): void {
    if (this.#bar) {
      this.#bar.setTotal(total);
      this.#bar.update(done, { text });
      return;
    }
    const line = `${done}/${total} tasks · ${text}`;
    if (line === this.#last || Date.now() - this.#lastTime < 1000) return;
    this.#last = line;
    this.#lastTime = Date.now();
    say(line);
  }

  end(): void {
    this.#bar?.stop();
  }
}

export function printTable(head: string[], rows: string[][]): void {
  const table = new Table({ head, style: { head: [], border: [], compact: true } });
  table.push(...rows);
  console.log(table.toString());
}
