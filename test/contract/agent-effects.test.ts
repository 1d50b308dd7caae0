import { WebSocket, WebSocketServer } from 'ws';
import { afterEach, describe, expect, it } from 'vitest';
import type { Event } from '../../controller/core/event.js';
import type { StateView } from '../../controller/engine/ports.js';
import { AgentEffects } from '../../controller/effects/agents/agent-effects.js';
import { Sessions } from '../../controller/effects/agents/sessions.js';
import type { ToAgent } from '../../protocol/agent/message.js';
import { PROTOCOL_VERSION } from '../../protocol/agent/version.js';
import { accountKey, nodeKey as nodeKeyOf, poolKey } from '../../protocol/keys.js';
import { waitFor } from '../support/wait-for.js';

const nodeKey = nodeKeyOf(poolKey(accountKey('test'), 'p'), 'n');
const incarnation = 1;
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

let close: (() => void) | undefined;
afterEach(() => close?.());

/** The links of one node over real sockets; what the controller says of it is what the test says. */
async function open() {
  const events: Event[] = [];
  const sessions = new Sessions(
    {
      report: (event) => events.push(event),
      answered: () => undefined,
      ended: () => undefined,
      now: () => 0,
      log: silent as never,
    },
    60_000,
  );
  const effects = new AgentEffects(
    { view: () => ({}) as StateView, heartbeatIntervalMs: 1_000 } as never,
    sessions,
  );
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  let left: () => void = () => undefined;
  server.on('connection', (socket) => {
    const send = socket.send.bind(socket) as (data: string) => void;
    Object.assign(socket, {
      send(data: string) {
        left();
        send(data);
      },
    });
    sessions.accept(socket, { nodeKey, incarnation, baseUrl: 'http://127.0.0.1' });
  });
  const agents: WebSocket[] = [];
  close = () => {
    sessions.stop();
    for (const agent of agents) agent.terminate();
    server.close();
  };
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const connected = () =>
    events.flatMap((event) => (event.type === 'agentConnected' ? [event.sessionId] : []));
  return {
    effects,
    connected,
    /** Calls back for each frame that leaves the controller. */
    onFrame: (callback: () => void) => (left = callback),
    /** A process of the agent that says hello; what it hears. */
    async agent(): Promise<ToAgent[]> {
      const heard: ToAgent[] = [];
      const before = connected().length;
      const socket = new WebSocket(`ws://127.0.0.1:${address.port}`);
      agents.push(socket);
      // A frame is a message or several.
      socket.on('message', (data: Buffer) =>
        heard.push(...[JSON.parse(data.toString()) as ToAgent | ToAgent[]].flat()),
      );
      await new Promise((resolve) => socket.once('open', resolve));
      socket.send(
        JSON.stringify({
          type: 'hello',
          protocolVersion: PROTOCOL_VERSION,
          agentVersion: '1',
          configured: false,
          held: [],
          remarks: [],
          lastSequence: 0,
        }),
      );
      await waitFor('the hello to be heard', () => connected().length > before);
      return heard;
    },
  };
}

describe('what an earlier tick asked for', () => {
  it('does not reach a process of the agent that the state has not heard of yet', async () => {
    const { effects, agent, connected } = await open();
    await agent();
    const stop = (attempt: number) =>
      effects.perform({
        type: 'stopAttempts',
        nodeKey,
        incarnation,
        attempts: [{ taskKey: 'task', attempt }],
      });
    const welcome = () =>
      effects.perform({
        type: 'welcomeAgent',
        nodeKey,
        incarnation,
        sessionId: connected().at(-1) ?? '',
        acknowledged: 0,
      });
    welcome();
    // The agent's process ends and comes back; meanwhile a tick commits that knew nothing of it.
    const heard = await agent();
    stop(1);
    welcome();
    stop(2);
    await waitFor('the stop to arrive', () => heard.some(({ type }) => type === 'stop'));
    expect(heard).toEqual([
      { type: 'welcome', heartbeatIntervalMs: 1_000, acknowledged: 0 },
      { type: 'stop', attempts: [{ taskKey: 'task', attempt: 2 }] },
    ]);
  });
});

describe('what a tick asks of an agent', () => {
  it('leaves as one frame, before the replies of the tick are written', async () => {
    const { effects, agent, connected, onFrame } = await open();
    const heard = await agent();
    const sessionId = connected().at(-1) ?? '';
    const link = { nodeKey, incarnation };
    effects.perform({ type: 'welcomeAgent', ...link, sessionId, acknowledged: 0 });
    await waitFor('the welcome', () => heard.length === 1);
    const order: string[] = [];
    onFrame(() => order.push('frame'));
    // What is answered goes through the steps of the HTTP application, each a turn of promises.
    const replied = (async () => {
      for (let step = 0; step < 3; step += 1) await Promise.resolve();
      order.push('reply');
    })();
    for (const attempt of [1, 2])
      effects.perform({
        type: 'stopAttempts',
        ...link,
        attempts: [{ taskKey: 'task', attempt }],
      });
    await replied;
    expect(order).toEqual(['frame', 'reply']);
    await waitFor('both stops', () => heard.length === 3);
  });
});
