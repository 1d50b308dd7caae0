#!/usr/bin/env node
// What starting a process costs: the agent with a directory, wd, stdout and stderr a task, beside
// `xargs -P2` and Node's own spawn doing nothing but /bin/true. Prints processes a second and the ratio.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocketServer } from 'ws';

const count = Number(process.argv[2] ?? 4000);
const rounds = Number(process.argv[3] ?? 3);
const agentFile = process.env.AGENT ?? new URL('../dist/agent.mjs', import.meta.url).pathname;
const perSecond = (milliseconds) => Math.round((count * 1000) / milliseconds);

function xargs() {
  const began = performance.now();
  execFileSync('sh', ['-c', `seq ${count} | xargs -P2 -n1 /bin/true`]);
  return perSecond(performance.now() - began);
}

function nodeSpawn() {
  const began = performance.now();
  return new Promise((resolve) => {
    let started = 0;
    let ended = 0;
    const next = () => {
      if (started === count) return;
      started += 1;
      spawn('/bin/true', { stdio: 'ignore' }).on('exit', () => {
        ended += 1;
        if (ended === count) resolve(perSecond(performance.now() - began));
        else next();
      });
    };
    next();
    next();
  });
}

async function agent() {
  const folder = mkdtempSync(join(tmpdir(), 'batchyard-bench-'));
  const server = createServer((request, response) => {
    request.resume();
    response.end('{"linkPath":"/agent/link","protocolVersion":1}');
  });
  const sockets = new WebSocketServer({ server });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const seed = join(folder, 'seed.json');
  const identity = {
    controllerUrl: `http://127.0.0.1:${server.address().port}`,
    nodeKey: 'a/p/n',
    incarnation: 1,
    token: 'token',
  };
  writeFileSync(seed, JSON.stringify({ ...identity, rootDirectory: join(folder, 'root') }), {
    mode: 0o600,
  });
  // As process nodes start it.
  const flags = ['--max-old-space-size=128', '--max-semi-space-size=1'];
  const child = spawn(process.execPath, [...flags, agentFile, '--seed', seed], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  let began = 0;
  let idleMegabytes = 0;
  let idleTicks = 0;
  const done = new Promise((resolve) => {
    let assigned = 0;
    let ended = 0;
    let messages = 0;
    sockets.on('connection', (socket) => {
      let version = 0;
      // Agents before version 2 of the protocol took a message a frame.
      const send = (message) => socket.send(JSON.stringify(version < 2 ? message : [message]));
      const assign = () => {
        const assignments = [];
        while (assigned < count && assigned - ended < 64)
          assignments.push(assignmentOf((assigned += 1)));
        if (assignments.length > 0) send({ type: 'assign', assignments });
      };
      socket.on('message', (data) => {
        const message = JSON.parse(String(data));
        if (message.type === 'hello') {
          version = message.protocolVersion;
          send({ type: 'welcome', heartbeatIntervalMs: 1000, acknowledged: 0 });
          send({ type: 'configure', configuration: configuration });
        } else if (message.type === 'heartbeat') {
          send({ type: 'lease', heartbeat: message.number, leaseMs: 60000 });
        } else if (message.type === 'events') {
          messages += 1;
          send({ type: 'acknowledge', sequence: message.events.at(-1).sequence });
          for (const { event } of message.events) {
            if (event.type === 'nodePrepared') {
              setTimeout(() => {
                idleMegabytes = megabytes(child.pid);
                idleTicks = ticks(child.pid);
                began = performance.now();
                assign();
              }, 500);
            } else if (event.type === 'attemptEnded') {
              ended += 1;
              if (event.outcome.exitCode !== 0) console.error(event);
            } else if (event.type === 'attemptReturned') {
              // A busy machine: it waited too long for a slot.
              const number = Number(event.taskKey.slice('a/j/t'.length));
              send({ type: 'assign', assignments: [assignmentOf(number)] });
            }
          }
          if (ended === count) resolve({ rate: perSecond(performance.now() - began), messages });
          else if (ended > 0) assign();
        }
      });
    });
  });
  const { rate, messages } = await done;
  const cpuSeconds = (ticks(child.pid) - idleTicks) / 100;
  const peakMegabytes = megabytes(child.pid, 'VmHWM');
  child.kill('SIGTERM');
  await new Promise((resolve) => child.on('exit', resolve));
  sockets.close();
  server.close();
  rmSync(folder, { recursive: true, force: true });
  return { rate, messages, idleMegabytes, peakMegabytes, cpuSeconds };
}

const configuration = {
  accountName: 'a',
  accountUrl: 'https://a/',
  poolId: 'p',
  nodeId: 'n',
  isDedicated: true,
  taskSlotsPerNode: 2,
  certificates: [],
};
const assignmentOf = (number) => ({
  taskKey: `a/j/t${number}`,
  attempt: 1,
  jobId: 'j',
  taskId: `t${number}`,
  directory: `workitems/j/job-1/t${number}`,
  commandLine: '/bin/true',
  environmentSettings: [],
  resourceFiles: [],
  outputFiles: [],
  requiredSlots: 1,
});
const megabytes = (pid, field = 'VmRSS') =>
  Math.round(
    Number(
      new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1],
    ) / 1024,
  );
/** User and system ticks of the process itself. */
const ticks = (pid) => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
};

for (let round = 0; round < rounds; round += 1) {
  const shell = xargs();
  const node = await nodeSpawn();
  const ours = await agent();
  console.log(
    JSON.stringify({
      xargs: shell,
      nodeSpawn: node,
      agent: ours.rate,
      ratio: Number((ours.rate / shell).toFixed(2)),
      messages: ours.messages,
      idleMegabytes: ours.idleMegabytes,
      peakMegabytes: ours.peakMegabytes,
      agentCpuSeconds: ours.cpuSeconds,
    }),
  );
}
