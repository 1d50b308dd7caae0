import { fork, type ChildProcess } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import { nodeEnrol } from '../../controller/commands/node/enrol.js';
import type { Effect } from '../../controller/core/effect.js';
import { AgentEffects } from '../../controller/effects/agents/agent-effects.js';
import { LinkServer } from '../../controller/effects/agents/link-server.js';
import { Sessions } from '../../controller/effects/agents/sessions.js';
import { hashSecret } from '../../controller/effects/authority/constant-time.js';
import type { Engine } from '../../controller/engine/engine.js';
import type { NodeKey } from '../../protocol/keys.js';
import { PROTOCOL_VERSION } from '../../protocol/agent/version.js';
import { SETTINGS, type Agents, type World } from './world.js';

const SECRET = 'secret-of-the-benchmark';

/** Agents in a process of their own, each with the WebSocket of the real protocol and the controller's own end of it. */
export class WireAgents implements Agents {
  readonly #server: Server = createServer();
  readonly #process: ChildProcess;
  readonly #sessions: Sessions;
  readonly #effects: AgentEffects;
  #engine: Engine | undefined;
  /** Set once the world is there. */
  world: World | undefined;

  private constructor() {
    const log = pino({ level: 'warn' });
    const engine = () => {
      if (this.#engine === undefined) throw new Error('no engine yet');
      return this.#engine;
    };
    const view = () => engine().view;
    this.#sessions = new Sessions(
      {
        report: (event) => {
          engine().report(event);
        },
        answered: () => undefined,
        ended: () => undefined,
        now: () => Date.now(),
        log,
      },
      SETTINGS.leaseMs + SETTINGS.leaseGraceMs,
    );
    this.#effects = new AgentEffects(
      {
        view,
        readTaskBodies: (keys) => {
          if (this.world === undefined) throw new Error('no world yet');
          return this.world.store.readTaskBodies(keys);
        },
        open: (sealed) => sealed,
        taskToken: () => '',
        storage: {
          ownPath: () => undefined,
          sign: () => '',
          now: () => Date.now(),
          urlLifetimeMs: 1,
        },
        heartbeatIntervalMs: SETTINGS.heartbeatIntervalMs,
        logs: { bytesMax: 0, intervalMs: 1000 },
        transfers: {},
        vmSizes: SETTINGS.vmSizes,
      },
      this.#sessions,
    );
    const links = new LinkServer(view, this.#sessions);
    this.#server.on('upgrade', (request, socket, head) => {
      links.upgrade(request, socket, head, 'http://127.0.0.1');
    });
    this.#process = fork(new URL('wire-agent-process.mjs', import.meta.url).pathname, {
      execArgv: [],
    });
  }

  static async open(): Promise<WireAgents> {
    const agents = new WireAgents();
    await new Promise<void>((resolve) => agents.#server.listen(0, '127.0.0.1', resolve));
    const { port } = agents.#server.address() as AddressInfo;
    agents.#process.send({
      url: `ws://127.0.0.1:${port}/agent/link`,
      ...{ secret: SECRET, protocolVersion: PROTOCOL_VERSION },
    });
    return agents;
  }

  /** The process of the agents: its time is not the controller's. */
  get pid(): number {
    return this.#process.pid ?? 0;
  }

  begin(engine: Engine, nodeKey: NodeKey, incarnation: number): void {
    this.#engine = engine;
    const secretHash = hashSecret(SECRET);
    engine.submit(nodeEnrol({ nodeKey, incarnation, secretHash, agentVersion: '1' })).then(
      () => this.#process.send({ nodeKey, incarnation }),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  }

  perform(effect: Effect): void {
    if (effect.type === 'reconcilePool' || effect.type === 'keepConsole') return;
    this.#effects.perform(effect);
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill();
    await ended;
    this.#sessions.stop();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
