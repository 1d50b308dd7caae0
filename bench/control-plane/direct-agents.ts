import type { AgentEvent, SequencedEvent } from '../../protocol/agent/event.js';
import type { NodeKey } from '../../protocol/keys.js';
import type { Effect } from '../../controller/core/effect.js';
import type { Engine } from '../../controller/engine/engine.js';
import { SETTINGS, type Agents } from './world.js';

interface Agent {
  incarnation: number;
  sequence: number;
  heartbeat: number;
}

/** Agents as plain calls: every assignment is done at once. Heartbeats are spread over their interval. */
export class DirectAgents implements Agents {
  readonly #agents = new Map<NodeKey, Agent>();
  #engine: Engine | undefined;
  #timer: NodeJS.Timeout | undefined;
  #order: NodeKey[] = [];
  #due = 0;

  begin(engine: Engine, nodeKey: NodeKey, incarnation: number): void {
    this.#engine = engine;
    this.#agents.set(nodeKey, { incarnation, sequence: 0, heartbeat: 0 });
    this.#order.push(nodeKey);
    engine.report({
      type: 'agentConnected',
      ...{ nodeKey, incarnation, sessionId: nodeKey, agentVersion: '1' },
      ...{ configured: false, held: [], remarks: [], lastSequence: 0 },
    });
    this.#timer ??= setInterval(() => {
      this.#heartbeats();
    }, 50);
  }

  perform(effect: Effect): void {
    if (effect.type === 'configureNode') this.#say(effect.nodeKey, [{ type: 'nodePrepared' }]);
    if (effect.type !== 'sendAssignments') return;
    const now = Date.now();
    const outcome = { startTime: now, endTime: now, exitCode: 0 };
    this.#say(
      effect.nodeKey,
      effect.attempts.map(({ taskKey, attempt }) => ({
        ...{ type: 'attemptEnded' as const, taskKey, attempt, outcome },
      })),
    );
  }

  close(): Promise<void> {
    clearInterval(this.#timer);
    return Promise.resolve();
  }

  #say(nodeKey: NodeKey, said: AgentEvent[]): void {
    const agent = this.#agents.get(nodeKey);
    if (agent === undefined) return;
    const events: SequencedEvent[] = said.map((event) => ({
      sequence: (agent.sequence += 1),
      event,
    }));
    this.#engine?.report({
      ...{ type: 'agentReported', nodeKey, incarnation: agent.incarnation, events },
    });
  }

  /** As many as 50 ms bring, in turn. */
  #heartbeats(): void {
    this.#due += (this.#order.length * 50) / SETTINGS.heartbeatIntervalMs;
    for (; this.#due >= 1; this.#due -= 1) {
      const nodeKey = this.#order.shift();
      const agent = nodeKey === undefined ? undefined : this.#agents.get(nodeKey);
      if (nodeKey === undefined || agent === undefined) return;
      this.#order.push(nodeKey);
      agent.heartbeat += 1;
      this.#engine?.report({
        ...{ type: 'heartbeatReceived', nodeKey, incarnation: agent.incarnation },
        heartbeat: agent.heartbeat,
      });
    }
  }
}
