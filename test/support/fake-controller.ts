import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Assignment, NodeConfiguration } from '../../protocol/agent/assignment.js';
import { EnrolRequest } from '../../protocol/agent/enrol.js';
import type { AgentEvent, SequencedEvent } from '../../protocol/agent/event.js';
import { ToController, type FrameToAgent, type ToAgent } from '../../protocol/agent/message.js';
import { PROTOCOL_VERSION } from '../../protocol/agent/version.js';
import type { AgentRequest, AgentResponse } from '../../protocol/agent/request.js';
import { waitFor } from './wait-for.js';

type Of<Union extends { type: string }, Type extends string> = Extract<Union, { type: Type }>;

export interface FakeControllerOptions {
  heartbeatIntervalMs?: number;
  leaseMs?: number;
  enrolStatus?: number;
  configuration?: Partial<NodeConfiguration>;
}

/** Plays the controller's side of the agent's link, and keeps all that the agent ever said. */
export class FakeController {
  readonly enrolments: EnrolRequest[] = [];
  readonly hellos: Of<ToController, 'hello'>[] = [];
  readonly heartbeats: Of<ToController, 'heartbeat'>[] = [];
  /** Every event as often as it came, with its number. */
  readonly received: SequencedEvent[] = [];
  readonly streams = new Map<string, Buffer>();
  /** Each link's headers. */
  readonly linkHeaders: IncomingMessage['headers'][] = [];
  enrolStatus: number;
  /** While false, heartbeats get no answer. */
  grantsLeases = true;
  /** While false, events are not acknowledged, as when the controller dies before its commit. */
  acknowledges = true;
  /** While false, the link is refused with 503. */
  acceptsLinks = true;
  acknowledged = 0;
  #responses = new Map<string, AgentResponse>();
  #socket: WebSocket | undefined;
  #sockets = new WebSocketServer({ noServer: true });
  #server: Server;
  #requests = 0;
  #granted = 0;

  private constructor(readonly options: FakeControllerOptions) {
    this.enrolStatus = options.enrolStatus ?? 200;
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
    this.#server.on('upgrade', (request, socket, head) => {
      if (!this.acceptsLinks) {
        socket.end('HTTP/1.1 503 Service Unavailable\r\n\r\n');
        return;
      }
      this.linkHeaders.push(request.headers);
      this.#sockets.handleUpgrade(request, socket, head, (link) => this.#linked(link));
    });
  }

  static async start(options: FakeControllerOptions = {}): Promise<FakeController> {
    const controller = new FakeController(options);
    await new Promise<void>((resolve) => controller.#server.listen(0, '127.0.0.1', resolve));
    return controller;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Events in order, each once, whatever was sent again. */
  get events(): AgentEvent[] {
    const bySequence = new Map(this.received.map(({ sequence, event }) => [sequence, event]));
    return [...bySequence].sort(([one], [other]) => one - other).map(([, event]) => event);
  }

  eventsOf<Type extends AgentEvent['type']>(type: Type): Of<AgentEvent, Type>[] {
    return this.events.filter((event): event is Of<AgentEvent, Type> => event.type === type);
  }

  send(message: ToAgent): void {
    this.#socket?.send(JSON.stringify([message] satisfies FrameToAgent));
  }

  /** Cuts the link as a dead controller does. */
  cutLink(): void {
    this.#socket?.terminate();
  }

  assign(...assignments: Assignment[]): void {
    this.send({ type: 'assign', assignments });
  }

  async prepared(): Promise<void> {
    await waitFor('the node to be prepared', () => this.eventsOf('nodePrepared').length > 0);
  }

  async ended(taskKey: string, attempt = 1): Promise<Of<AgentEvent, 'attemptEnded'>> {
    return waitFor(`the end of ${taskKey} attempt ${attempt}`, () =>
      this.eventsOf('attemptEnded').find(
        (event) => event.taskKey === taskKey && event.attempt === attempt,
      ),
    );
  }

  async started(taskKey: string): Promise<void> {
    await waitFor(`the start of ${taskKey}`, () =>
      this.eventsOf('attemptStarted').some((event) => event.taskKey === taskKey),
    );
  }

  /** Waits for the agent's next link: what is sent on it now arrives, though no heartbeat is answered. */
  async linkedAnew(): Promise<void> {
    const before = this.hellos.length;
    await waitFor('a new link', () => this.hellos.length > before);
  }

  /** Waits for a heartbeat that is answered with a lease: the link it came by stays. */
  async leased(): Promise<void> {
    const before = this.#granted;
    await waitFor('a lease', () => this.#granted > before);
  }

  /** Gives the task to the agent and returns how it ended. */
  async run(assignment: Assignment) {
    this.assign(assignment);
    return (await this.ended(assignment.taskKey, assignment.attempt)).outcome;
  }

  async ask(request: AgentRequest): Promise<{ response: AgentResponse; id: string }> {
    const id = `request-${(this.#requests += 1)}`;
    this.send({ type: 'request', id, request });
    const response = await waitFor(`the answer to ${request.type}`, () => this.#responses.get(id));
    return { response, id };
  }

  /** Reads a file (or a part) through the agent. */
  async read(path: string, range: { start?: number; end?: number } = {}) {
    const { response, id } = await this.ask({ type: 'readFile', path, ...range });
    if (response.type !== 'file') return { response, body: undefined };
    return { response, body: await waitFor(`the bytes of ${path}`, () => this.streams.get(id)) };
  }

  async close(): Promise<void> {
    for (const client of this.#sockets.clients) client.terminate();
    this.#sockets.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bytesOf(request);
    if (request.url === '/agent/enrol') {
      this.enrolments.push(EnrolRequest.parse(JSON.parse(body.toString('utf8'))));
      response.writeHead(this.enrolStatus, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ linkPath: '/agent/link', protocolVersion: PROTOCOL_VERSION }));
    } else if (request.url?.startsWith('/agent/streams/')) {
      const known = request.headers.authorization === `Bearer ${this.enrolments[0]?.secret}`;
      if (known) this.streams.set(request.url.slice('/agent/streams/'.length), body);
      response.writeHead(known ? 204 : 403).end();
    } else {
      response.writeHead(404).end();
    }
  }

  #linked(link: WebSocket): void {
    this.#socket = link;
    link.on('message', (data) => this.#heard(ToController.parse(JSON.parse(String(data)))));
  }

  #heard(message: ToController): void {
    switch (message.type) {
      case 'hello':
        this.hellos.push(message);
        this.send({
          type: 'welcome',
          heartbeatIntervalMs: this.options.heartbeatIntervalMs ?? 100,
          acknowledged: this.acknowledged,
        });
        if (!message.configured) {
          this.send({
            type: 'configure',
            configuration: { ...CONFIGURATION, ...this.options.configuration },
          });
        }
        return;
      case 'heartbeat':
        this.heartbeats.push(message);
        if (this.grantsLeases) {
          this.#granted += 1;
          this.send({
            type: 'lease',
            heartbeat: message.number,
            leaseMs: this.options.leaseMs ?? 10_000,
          });
        }
        return;
      case 'events':
        this.received.push(...message.events);
        if (this.acknowledges) {
          this.acknowledged = Math.max(
            this.acknowledged,
            ...message.events.map(({ sequence }) => sequence),
          );
          this.send({ type: 'acknowledge', sequence: this.acknowledged });
        }
        return;
      case 'response':
        this.#responses.set(message.id, message.response);
        return;
    }
  }
}

const CONFIGURATION: NodeConfiguration = {
  accountName: 'acct',
  accountUrl: 'https://acct.example/',
  poolId: 'Pool',
  nodeId: 'Node-1',
  isDedicated: true,
  taskSlotsPerNode: 2,
  certificates: [],
};

/** An assignment of a task that runs this command line, with whatever else the test is about. */
export function assignment(
  taskId: string,
  commandLine: string,
  more: Partial<Assignment> = {},
): Assignment {
  return {
    taskKey: `acct/job/${taskId.toLowerCase()}`,
    attempt: 1,
    jobId: 'Job',
    taskId,
    directory: `workitems/Job/job-1/${taskId}`,
    commandLine,
    environmentSettings: [],
    resourceFiles: [],
    outputFiles: [],
    requiredSlots: 1,
    ...more,
  };
}

async function bytesOf(stream: NodeJS.ReadableStream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
