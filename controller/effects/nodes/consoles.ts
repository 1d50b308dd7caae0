import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { NodeKey } from '../../../protocol/keys.js';
import type { Event } from '../../core/event.js';
import type { StateView } from '../../engine/ports.js';
import type { Log } from '../log.js';
import type { NodeConsole, NodeProvider } from './provider.js';

/** Of a console that is kept or sent; what is before that is left out. */
const CONSOLE_BYTES_MAX = 256 * 1024;
/** A guest that has said nothing yet is listened to for two minutes more. */
const LOOKS_MAX = 24;
const LOOK_AGAIN_MS = 5_000;
const LINES_MAX = 15;
const LAST_LINES_CHARACTERS_MAX = 2_000;

export interface ConsolePorts {
  view(): StateView;
  provider(kind: NodeProvider['kind']): Promise<NodeProvider>;
  /** Puts it beside the logs that outlive nodes. */
  keep(
    of: { node: NodeKey; incarnation: number },
    body: Readable,
    size: { skipped: number; bytes: number },
  ): Promise<void>;
  /** Of what is kept; 0: nothing is. */
  keptBytesMax: number;
  report(event: Event): void;
  log: Log;
}

/** What guests write on their consoles: for those who ask, and kept where a node does not come. */
export class NodeConsoles {
  private readonly underWay = new Set<Promise<void>>();
  private readonly stopping = new AbortController();

  constructor(
    private readonly ports: ConsolePorts,
    private readonly lookAgainMs = LOOK_AGAIN_MS,
  ) {}

  /** Keeps the console of one boot and reports its last lines; where there is none nothing comes of it. */
  keep(nodeKey: NodeKey, incarnation: number): void {
    const keeping = this.keepNow(nodeKey, incarnation)
      .catch((error: unknown) => {
        this.ports.log.warn({ err: error, node: nodeKey }, 'the console log could not be kept');
      })
      .finally(() => this.underWay.delete(keeping));
    this.underWay.add(keeping);
  }

  /** The end of the console's log as it is now; undefined: there is no such node, or nothing to be read of it. */
  async read(nodeKey: NodeKey): Promise<NodeConsole | undefined> {
    const node = this.ports.view().nodes.get(nodeKey);
    const pool = node === undefined ? undefined : this.ports.view().pools.get(node.pool);
    if (node === undefined || pool === undefined) return undefined;
    const provider = await this.ports.provider(pool.nodeProvider);
    return provider.console?.(nodeKey, CONSOLE_BYTES_MAX, node.hypervisor);
  }

  /** Waits for what is under way, and for no guest any more. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.underWay);
  }

  /** The console once there is something on it; undefined: there is none, or this boot is over. */
  private async firstWords(
    nodeKey: NodeKey,
    incarnation: number,
  ): Promise<NodeConsole | undefined> {
    const { signal } = this.stopping;
    for (let looks = 1; ; looks += 1) {
      const console = await this.read(nodeKey);
      if (console === undefined || console.text.length > 0) return console;
      if (looks === LOOKS_MAX || signal.aborted) return undefined;
      // A stop cuts it short: the next look is the last.
      await pause(this.lookAgainMs, undefined, { signal }).catch(() => undefined);
      if (this.ports.view().nodes.get(nodeKey)?.incarnation !== incarnation) return undefined;
    }
  }

  private async keepNow(node: NodeKey, incarnation: number): Promise<void> {
    const console = await this.firstWords(node, incarnation);
    if (console === undefined) return;
    const { text } = console;
    this.ports.report({
      type: 'consoleKept',
      nodeKey: node,
      incarnation,
      lastLines: lastLinesOf(text.toString('utf8')),
    });
    const { keptBytesMax } = this.ports;
    if (keptBytesMax === 0) return;
    const kept = text.subarray(-keptBytesMax);
    const size = { skipped: console.skipped + text.length - kept.length, bytes: kept.length };
    await this.ports.keep({ node, incarnation }, Readable.from([kept]), size);
  }
}

/** The last lines that say something, as text that any terminal and any log may show. */
export function lastLinesOf(text: string): string {
  const lines = text

    .replace(/\u001b(\[[0-9;?]*[ -/]*[@-~]|[@-_])/g, '')

    .replace(/[\u0000-\u0009\u000b-\u001f\u007f]/g, '')
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '');
  return lines.slice(-LINES_MAX).join('\n').slice(-LAST_LINES_CHARACTERS_MAX);
}
