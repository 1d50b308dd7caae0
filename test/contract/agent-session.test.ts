import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { AgentSession } from '../../controller/effects/agents/session.js';
import { TaskBodies } from '../../controller/effects/agents/task-bodies.js';
import { FrameToAgent, type ToAgent } from '../../protocol/agent/message.js';
import type { NodeKey, TaskKey } from '../../protocol/keys.js';
import { assignment } from '../support/fake-controller.js';
import { waitFor } from '../support/wait-for.js';

let server: WebSocketServer;
let agent: WebSocket;
let session: AgentSession;
let frames: ToAgent['type'][][] = [];

beforeAll(async () => {
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  agent = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const [socket] = (await once(server, 'connection')) as [WebSocket];
  session = new AgentSession(
    's',
    'a/p/n' as NodeKey,
    1,
    'http://127.0.0.1',
    socket,
    pino({ level: 'silent' }),
    0,
    (due) => {
      setImmediate(() => {
        due.flush();
      });
    },
  );
  agent.on('message', (data) => {
    frames.push(FrameToAgent.parse(JSON.parse(String(data))).map(({ type }) => type));
  });
});

afterAll(async () => {
  agent.terminate();
  await new Promise((closed) => server.close(closed));
});

beforeEach(() => {
  frames = [];
});

const acknowledge = { type: 'acknowledge', sequence: 1 } as const;
const lease = { type: 'lease', heartbeat: 1, leaseMs: 1000 } as const;
const assign = (id: string): ToAgent => ({
  type: 'assign',
  assignments: [assignment(id, '/bin/true')],
});

test('messages of one turn leave in one frame, merged where that says the same', async () => {
  const stop = { type: 'stop', attempts: [{ taskKey: 'a/j/t1', attempt: 1 }] } as const;
  for (const message of [acknowledge, lease, assign('t1'), assign('t2'), acknowledge, lease])
    session.send(message);
  session.send({ ...stop, attempts: [...stop.attempts] });
  session.send(assign('t3'));
  await waitFor('a frame', () => frames.length > 0);
  expect(frames).toEqual([['acknowledge', 'lease', 'assign', 'stop', 'assign']]);
});

test('an acknowledgement leaves with the assignments that are being made; a lease does not wait', async () => {
  let made: () => void = () => undefined;
  session.inOrder(() => new Promise<void>((resolve) => (made = resolve)));
  session.send(acknowledge);
  await new Promise((resolve) => setImmediate(resolve));
  session.send(lease);
  await waitFor('the lease', () => frames.length > 0);
  expect(frames).toEqual([['acknowledge', 'lease']]);

  session.send(acknowledge);
  await new Promise((resolve) => setImmediate(resolve));
  session.send(assign('t4'));
  made();
  await waitFor('the assignment', () => frames.length > 1);
  expect(frames[1]).toEqual(['acknowledge', 'assign']);
});

test('an acknowledgement leaves when nothing could be assigned after all', async () => {
  let made: () => void = () => undefined;
  session.inOrder(() => new Promise<void>((resolve) => (made = resolve)));
  session.send(acknowledge);
  await new Promise((resolve) => setImmediate(resolve));
  made();
  await waitFor('the acknowledgement', () => frames.length > 0);
  expect(frames).toEqual([['acknowledge']]);
});

test('bodies that many nodes need in one turn are read in one query', async () => {
  const asked: string[][] = [];
  const bodies = new TaskBodies((keys) => {
    asked.push([...keys]);
    return Promise.resolve(
      new Map(keys.map((key) => [key, { id: key, commandLine: key } as never])),
    );
  });
  const key = (id: string) => `a/j/${id}` as TaskKey;
  const [one, other] = await Promise.all([
    bodies.read([key('t1'), key('t2')]),
    bodies.read([key('t2'), key('t3')]),
  ]);
  expect([one.has(key('t1')), other.has(key('t3'))]).toEqual([true, true]);
  await bodies.read([key('t4')]);
  expect(asked).toEqual([[key('t1'), key('t2'), key('t3')], [key('t4')]]);
});
