import { buffer } from 'node:stream/consumers';
import pino from 'pino';
import { describe, expect, it } from 'vitest';
import type { Event } from '../../controller/core/event.js';
import type { Node } from '../../controller/core/node/state.js';
import type { Pool } from '../../controller/core/pool/state.js';
import { lastLinesOf, NodeConsoles } from '../../controller/effects/nodes/consoles.js';
import type { ConsolePorts } from '../../controller/effects/nodes/consoles.js';
import type { NodeConsole, NodeProvider } from '../../controller/effects/nodes/provider.js';
import type { StateView } from '../../controller/engine/ports.js';
import { accountKey, nodeKey, poolKey } from '../../protocol/keys.js';
import { waitFor } from '../support/wait-for.js';

const POOL = poolKey(accountKey('contract'), 'pool');
const NODE = nodeKey(POOL, 'node');

/** Consoles of one node; `console` is what its provider reads. */
function scene(console: NodeProvider['console'], keptBytesMax: number) {
  const events: Event[] = [];
  const kept: { text: string; skipped: number; incarnation: number }[] = [];
  const ports = {
    view: () =>
      ({
        nodes: new Map([[NODE, { key: NODE, pool: POOL, incarnation: 3 } as Node]]),
        pools: new Map([[POOL, { key: POOL, nodeProvider: 'libvirt' } as Pool]]),
      }) as unknown as StateView,
    provider: () =>
      Promise.resolve({ ...(console === undefined ? {} : { console }) } as NodeProvider),
    keep: async ({ incarnation }, body, { skipped, bytes }) => {
      const read = await buffer(body);
      expect(read.length).toBe(bytes);
      kept.push({ text: read.toString(), skipped, incarnation });
    },
    keptBytesMax,
    report: (event) => void events.push(event),
    log: pino({ level: 'silent' }),
  } satisfies ConsolePorts;
  return { consoles: new NodeConsoles(ports, 1), events, kept };
}
const says =
  (text: string, skipped = 0) =>
  () =>
    Promise.resolve<NodeConsole>({ text: Buffer.from(text), skipped });

describe('the console of a node', () => {
  it('is kept with as many of its last bytes as may be, and its last lines are told', async () => {
    const { consoles, events, kept } = scene(says('first\nsecond\n', 100), 7);
    consoles.keep(NODE, 3);
    await consoles.stop();
    expect(kept).toEqual([{ text: 'second\n', skipped: 106, incarnation: 3 }]);
    const told = { nodeKey: NODE, incarnation: 3, lastLines: 'first\nsecond' };
    expect(events).toEqual([{ type: 'consoleKept', ...told }]);
  });

  it('is waited for where its guest has said nothing yet, and not for ever', async () => {
    let looks = 0;
    const late = (wordsAt: number) => () => {
      looks += 1;
      return says(looks < wordsAt ? '' : 'at last')();
    };
    const { consoles, events } = scene(late(4), 100);
    consoles.keep(NODE, 3);
    await waitFor('the words', () => events.length > 0);
    expect([looks, events.length]).toEqual([4, 1]);
    looks = 0;
    const never = scene(late(Infinity), 100);
    never.consoles.keep(NODE, 3);
    await waitFor('the last look', () => looks === 24);
    await never.consoles.stop();
    looks = 0;
    never.consoles.keep(NODE, 2);
    await never.consoles.stop();
    expect([looks, never.events]).toEqual([1, []]);
  });

  it('is told and not kept where nothing is to be kept', async () => {
    const { consoles, events, kept } = scene(says('all'), 0);
    consoles.keep(NODE, 1);
    await consoles.stop();
    expect([events.length, kept.length]).toEqual([1, 0]);
  });

  it('leaves no trace where there is none, or where it can not be read', async () => {
    const unreadable = () => Promise.reject(new Error('away'));
    for (const console of [undefined, says(''), unreadable]) {
      const { consoles, events, kept } = scene(console, 1_000);
      consoles.keep(NODE, 1);
      consoles.keep(nodeKey(POOL, 'gone'), 1);
      await consoles.stop();
      expect([events, kept]).toEqual([[], []]);
    }
  });

  it('is told in lines that any terminal may show, the last fifteen that say something', () => {
    expect(lastLinesOf('\u001b[1;31mred\u001b[0m\r\n\n\u0007bell\u001b[2J\n\n')).toBe('red\nbell');
    const many = Array.from({ length: 40 }, (_, n) => `line ${String(n)}`).join('\n');
    expect(lastLinesOf(many).split('\n')).toEqual(
      Array.from({ length: 15 }, (_, n) => `line ${String(n + 25)}`),
    );
    expect(lastLinesOf('x'.repeat(5_000))).toHaveLength(2_000);
  });
});
