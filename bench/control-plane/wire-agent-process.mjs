// Simulated agents, many in one process: each speaks the real protocol over a WebSocket of its own and says of
// every assignment at once that it is done.
import { WebSocket } from 'ws';

let where;
const agents = [];

process.on('message', (message) => {
  if (message.url !== undefined) where = message;
  else connect(message);
});
process.on('disconnect', () => process.exit());
// The benchmark may have died before this line was reached.
if (!process.connected) process.exit();

function connect({ nodeKey, incarnation }) {
  const socket = new WebSocket(where.url, {
    perMessageDeflate: false,
    headers: {
      authorization: `Bearer ${where.secret}`,
      'x-batchyard-node': `${nodeKey};${incarnation}`,
    },
  });
  const send = (message) => socket.send(JSON.stringify(message));
  const agent = { number: 0, send, socket, due: 0 };
  let sequence = 0;
  const say = (events) =>
    send({ type: 'events', events: events.map((event) => ({ sequence: (sequence += 1), event })) });
  socket.on('open', () => {
    send({
      ...{
        type: 'hello',
        protocolVersion: where.protocolVersion,
        agentVersion: '1',
        configured: false,
      },
      ...{ held: [], remarks: [], lastSequence: 0 },
    });
    agents.push(agent);
  });
  socket.on('error', (error) => console.error(`${nodeKey}: ${error.message}`));
  socket.on('message', (data) => {
    for (const message of JSON.parse(data)) heard(message);
  });
  function heard(message) {
    if (message.type === 'welcome') agent.due = Math.random() * message.heartbeatIntervalMs;
    else if (message.type === 'configure') say([{ type: 'nodePrepared' }]);
    else if (message.type === 'assign') {
      const now = Date.now();
      const outcome = { startTime: now, endTime: now, exitCode: 0 };
      say(
        message.assignments.map(({ taskKey, attempt }) => ({
          ...{ type: 'attemptEnded', taskKey, attempt, outcome },
        })),
      );
    }
  }
}

// One in a hundred every 50 ms: each heartbeats every 5 s, as the settings of the controller have it.
let turn = 0;
setInterval(() => {
  turn = (turn + 1) % 100;
  for (let at = turn; at < agents.length; at += 100) {
    const { send, socket } = agents[at];
    if (socket.readyState === WebSocket.OPEN)
      send({
        type: 'heartbeat',
        number: (agents[at].number += 1),
        metrics: { cpuPercent: 50, memoryBytes: 2 ** 30, diskBytes: 2 ** 33 },
      });
  }
}, 50);
