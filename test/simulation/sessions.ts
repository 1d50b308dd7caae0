import type { Effect } from '../../controller/core/effect.js';
import type { Event } from '../../controller/core/event.js';
import type { StateView, Store, TaskBody } from '../../controller/engine/ports.js';
import { jobOf, poolOf, type NodeKey, type TaskKey } from '../../protocol/keys.js';
import type { Assignment, NodeConfiguration, Program } from '../../protocol/agent/assignment.js';
import type { SequencedEvent } from '../../protocol/agent/event.js';
import type { ToAgent, ToController } from '../../protocol/agent/message.js';
import type { Happening } from './coverage.js';
import type { Link } from './network.js';

export interface SessionPorts {
  store: Store;
  view: () => StateView;
  report: (event: Event) => void;
  alive: () => boolean;
  broken: (error: unknown) => void;
  happened: (what: Happening) => void;
  heartbeatIntervalMs: number;
}

interface Session {
  readonly id: string;
  readonly nodeKey: NodeKey;
  readonly incarnation: number;
  readonly link: Link;
  /** The state has heard of it: what comes before is of a tick that meant an earlier connection. */
  welcomed: boolean;
  /** Messages leave in the order of their effects, though bodies must be read first. */
  outgoing: Promise<void>;
}

type Addressed = Exclude<Effect, { type: 'reconcilePool' | 'keepConsole' }>;

/**
 * The controller's side of the links: messages become events, effects become messages. The newest
 * session of a node's incarnation speaks for it.
 */
export class SimulatedSessions {
  readonly #sessions = new Map<string, Session>();
  readonly #newest = new Map<NodeKey, Session>();
  #count = 0;

  constructor(
    private readonly ports: SessionPorts,
    private readonly life: number,
  ) {}

  /** Takes a link of a node that enrolled with this secret; refuses any other. */
  accept(link: Link, nodeKey: NodeKey, incarnation: number, secretHash: string): boolean {
    const node = this.ports.view().nodes.get(nodeKey);
    if (node?.incarnation !== incarnation || node.secretHash !== secretHash) return false;
    const id = `session-${this.life}-${(this.#count += 1)}`;
    const session: Session = {
      ...{ id, nodeKey, incarnation, link, welcomed: false },
      outgoing: Promise.resolve(),
    };
    this.#sessions.set(id, session);
    link.toController.listen({
      message: (message) => this.#receive(session, message),
      closed: () => this.#closed(session),
    });
    return true;
  }

  perform(effect: Addressed): void {
    if (effect.type === 'welcomeAgent' || effect.type === 'closeSession') {
      const session = this.#sessions.get(effect.sessionId);
      if (session === undefined) return;
      if (effect.type === 'closeSession') return this.#close(session);
      session.welcomed = true;
      const { heartbeatIntervalMs } = this.ports;
      return this.#send(session, () => ({
        type: 'welcome',
        heartbeatIntervalMs,
        acknowledged: effect.acknowledged,
      }));
    }
    const session = this.#newest.get(effect.nodeKey);
    if (session?.incarnation !== effect.incarnation || !session.welcomed) return;
    this.#send(session, () => this.#messageOf(effect, session));
  }

  /** The process ends: every connection ends with it. */
  closeAll(): void {
    for (const session of this.#sessions.values()) session.link.closeFromController();
  }

  #receive(session: Session, message: ToController): void {
    const { nodeKey, incarnation, id: sessionId } = session;
    switch (message.type) {
      case 'hello': {
        const { agentVersion, configured, held, remarks, lastSequence } = message;
        this.#newest.set(nodeKey, session);
        return this.ports.report({
          type: 'agentConnected',
          ...{ nodeKey, incarnation, sessionId, agentVersion, configured, held, remarks },
          ...(lastSequence === undefined ? {} : { lastSequence }),
        });
      }
      case 'heartbeat':
        return this.ports.report({
          type: 'heartbeatReceived',
          nodeKey,
          incarnation,
          heartbeat: message.number,
        });
      case 'events':
        this.#note(session, message.events);
        return this.ports.report({
          type: 'agentReported',
          nodeKey,
          incarnation,
          events: message.events,
        });
      case 'response':
        return;
    }
  }

  /** Whether it says what was heard before, or tells of tries that were given up. */
  #note({ nodeKey }: Session, events: readonly SequencedEvent[]): void {
    const { view, happened } = this.ports;
    const heard = view().nodes.get(nodeKey)?.lastEventSequence ?? 0;
    if (events.some(({ sequence }) => sequence <= heard)) happened('eventsRepeated');
    const isOld = ({ event }: SequencedEvent) =>
      'attempt' in event && event.attempt < (view().task(event.taskKey as TaskKey)?.attempt ?? 0);
    if (events.some(isOld)) happened('oldTryReported');
  }

  #closed(session: Session): void {
    const { nodeKey, incarnation, id: sessionId } = session;
    this.#forget(session);
    this.ports.report({ type: 'agentDisconnected', nodeKey, incarnation, sessionId });
  }

  #close(session: Session): void {
    this.#forget(session);
    session.link.closeFromController();
  }

  #forget(session: Session): void {
    this.#sessions.delete(session.id);
    if (this.#newest.get(session.nodeKey) === session) this.#newest.delete(session.nodeKey);
  }

  #send(session: Session, make: () => ToAgent | undefined | Promise<ToAgent | undefined>): void {
    const send = async () => {
      const message = await make();
      if (message === undefined || !this.ports.alive() || !this.#sessions.has(session.id)) return;
      session.link.toAgent.send(message);
    };
    session.outgoing = session.outgoing.then(send).catch(this.ports.broken);
  }

  #messageOf(
    effect: Exclude<Addressed, { type: 'welcomeAgent' | 'closeSession' }>,
    session: Session,
  ): ToAgent | undefined | Promise<ToAgent | undefined> {
    switch (effect.type) {
      case 'configureNode':
        return this.#configuration(session.nodeKey);
      case 'sendAssignments':
        return this.#assignments(effect.attempts, session.nodeKey);
      case 'stopAttempts':
        return { type: 'stop', attempts: effect.attempts };
      case 'proceedAttempts':
        return { type: 'proceed', attempts: effect.attempts };
      case 'acknowledgeEvents':
        return { type: 'acknowledge', sequence: effect.sequence };
      case 'grantLease':
        return { type: 'lease', heartbeat: effect.heartbeat, leaseMs: effect.leaseMs };
      case 'removeDirectories':
        return { type: 'removeDirectories', directories: effect.directories };
    }
  }

  #configuration(nodeKey: NodeKey): ToAgent | undefined {
    const node = this.ports.view().nodes.get(nodeKey);
    const pool = this.ports.view().pools.get(poolOf(nodeKey));
    if (node === undefined || pool === undefined) return undefined;
    const { startTask, taskSlotsPerNode } = pool.specification;
    const configuration: NodeConfiguration = {
      accountName: node.account,
      accountUrl: 'http://simulated',
      poolId: pool.id,
      nodeId: node.id,
      isDedicated: node.isDedicated,
      taskSlotsPerNode,
      certificates: [],
      ...(startTask === undefined
        ? {}
        : {
            startTask: {
              ...programOf(startTask),
              maxTaskRetryCount: startTask.maxTaskRetryCount,
              waitForSuccess: startTask.waitForSuccess,
            },
          }),
    };
    return { type: 'configure', configuration };
  }

  async #assignments(
    attempts: { taskKey: TaskKey; attempt: number }[],
    nodeKey: NodeKey,
  ): Promise<ToAgent> {
    const bodies = await this.ports.store.readTaskBodies(
      attempts.map(({ taskKey }) => ownerOf(taskKey)),
    );
    const assignments = attempts.flatMap(({ taskKey, attempt }) => {
      const special = this.#special(taskKey, attempt, nodeKey);
      if (special !== undefined) return special;
      const body = bodies.get(ownerOf(taskKey));
      return body === undefined ? [] : [this.#assignment(taskKey, attempt, body)];
    });
    return { type: 'assign', assignments };
  }

  /** A job preparation or release task, if it is one and still wanted. */
  #special(taskKey: TaskKey, attempt: number, nodeKey: NodeKey): Assignment[] | undefined {
    const job = this.ports.view().jobs.get(jobOf(taskKey));
    if (job === undefined) return undefined;
    const { jobPreparationTask, jobReleaseTask } = job.specification;
    const task = [jobPreparationTask, jobReleaseTask].find(
      (one) => one !== undefined && taskKey === `${job.key}/${one.id}`,
    );
    if (task === undefined) return undefined;
    const jobNode = this.ports.view().jobNode(job.key, nodeKey);
    const run = task === jobPreparationTask ? jobNode?.preparation : jobNode?.release;
    if (run?.phase === undefined || run.attempt !== attempt) return [];
    const directory = `workitems/${job.folder}/${task.id}`;
    const ids = { taskKey, attempt, jobId: job.id, taskId: task.id, directory };
    return [{ ...programOf(task), ...ids, requiredSlots: 0, outputFiles: [] }];
  }

  #assignment(taskKey: TaskKey, attempt: number, body: TaskBody): Assignment {
    const task = this.ports.view().task(ownerOf(taskKey));
    const subtaskId = Number(taskKey.slice(ownerOf(taskKey).length + 1));
    const job = this.ports.view().jobs.get(jobOf(taskKey));
    const pool = job?.pool === undefined ? undefined : this.ports.view().pools.get(job.pool);
    const wholeNode =
      task?.runExclusive === true ? pool?.specification.taskSlotsPerNode : undefined;
    return {
      ...programOf(body),
      taskKey,
      attempt,
      jobId: job?.id ?? '',
      taskId: body.id,
      directory: `workitems/${job?.folder ?? ''}/${body.id}`,
      requiredSlots: Math.max(body.requiredSlots, wholeNode ?? 1),
      outputFiles: [],
      ...(body.multiInstanceSettings === undefined
        ? {}
        : {
            multiInstance: {
              subtaskId,
              coordinationCommandLine: body.multiInstanceSettings.coordinationCommandLine,
              commonResourceFiles: [],
              sharedDirectory: 'workitems/x',
              hosts: ['127.0.0.1'],
              coresPerHost: 1,
            },
          }),
      ...(task?.maxWallClockTimeMs === undefined || subtaskId > 0
        ? {}
        : { maxWallClockTimeMs: task.maxWallClockTimeMs }),
    };
  }
}

/** The task of a subtask's key. */
function ownerOf(key: TaskKey): TaskKey {
  const at = key.lastIndexOf(':');
  return at > key.lastIndexOf('/') ? (key.slice(0, at) as TaskKey) : key;
}

const programOf = ({ commandLine }: { commandLine: string }): Program => ({
  commandLine,
  environmentSettings: [],
  resourceFiles: [],
});
