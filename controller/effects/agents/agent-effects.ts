import type { NodeConfiguration } from '../../../protocol/agent/assignment.js';
import type { NodeKey, TaskKey } from '../../../protocol/keys.js';
import type { Effect } from '../../core/effect.js';
import type { Job } from '../../core/job/state.js';
import type { VmSize } from '../../core/settings.js';
import type { Task } from '../../core/task/state.js';
import type { StateView, TaskBody } from '../../engine/ports.js';
import { buildAssignment, buildConfiguration } from './assignment.js';
import { asPart, placeOf, taskOf } from './multi-instance.js';
import { openSecrets } from './open-secrets.js';
import { OwnStorage } from './own-storage.js';
import type { StorageSigner } from './own-storage.js';
import { isSpecial, specialAssignments } from './special-assignment.js';
import { TaskBodies } from './task-bodies.js';
import { CLOSE_STALE } from './session.js';
import type { AgentSession } from './session.js';
import type { Sessions } from './sessions.js';

export type AgentEffect = Exclude<Effect, { type: 'reconcilePool' | 'keepConsole' }>;
type Of<Type extends AgentEffect['type']> = Extract<AgentEffect, { type: Type }>;

export interface AgentEffectsPorts {
  view(): StateView;
  /** In one query. */
  readTaskBodies(keys: readonly TaskKey[]): Promise<Map<TaskKey, TaskBody>>;
  /** Opens what the authority sealed; what was kept before it was sealed is as it is. */
  open(sealed: string): string;
  /** AZ_BATCH_AUTHENTICATION_TOKEN of the task's present attempt. */
  taskToken(of: { job: Readonly<Job>; task: Readonly<Task> }): string;
  storage: StorageSigner;
  heartbeatIntervalMs: number;
  /** How much of outputs is kept, and how often it is copied; 0 bytes: nothing. */
  logs: { bytesMax: number; intervalMs: number };
  transfers: NonNullable<NodeConfiguration['transfers']>;
  vmSizes: readonly VmSize[];
}

/**
 * Turns effects into messages of the link. One for a node without a link, for another incarnation, or of
 * a tick before the one that welcomed this connection, is dropped: when the agent connects, the state
 * says anew what it shall hold, and an agent that had restarted would take up what was given away since.
 */
export class AgentEffects {
  private readonly bodies: TaskBodies;

  constructor(
    private readonly ports: AgentEffectsPorts,
    private readonly sessions: Sessions,
  ) {
    this.bodies = new TaskBodies((keys) => ports.readTaskBodies(keys));
  }

  perform(effect: AgentEffect): void {
    const session = this.sessions.get(effect.nodeKey, effect.incarnation);
    if (session === undefined) return;
    const isAbout = effect.type === 'welcomeAgent' || effect.type === 'closeSession';
    if (!isAbout && !session.welcomed) return;
    switch (effect.type) {
      case 'welcomeAgent':
        if (session.id !== effect.sessionId) return;
        session.welcomed = true;
        session.send({
          type: 'welcome',
          heartbeatIntervalMs: this.ports.heartbeatIntervalMs,
          acknowledged: effect.acknowledged,
        });
        return;
      case 'configureNode':
        session.inOrder(() => {
          this.configure(session);
        });
        return;
      case 'sendAssignments':
        session.inOrder(() => this.assign(session, effect));
        return;
      case 'stopAttempts':
        session.inOrder(() => {
          session.send({ type: 'stop', attempts: effect.attempts });
        });
        return;
      case 'proceedAttempts':
        session.inOrder(() => {
          session.send({ type: 'proceed', attempts: effect.attempts });
        });
        return;
      case 'removeDirectories':
        session.inOrder(() => {
          session.send({ type: 'removeDirectories', directories: effect.directories });
        });
        return;
      case 'acknowledgeEvents':
        session.send({ type: 'acknowledge', sequence: effect.sequence });
        return;
      case 'grantLease':
        session.send({ type: 'lease', heartbeat: effect.heartbeat, leaseMs: effect.leaseMs });
        return;
      case 'closeSession':
        if (session.id === effect.sessionId) session.close(CLOSE_STALE, 'this incarnation is over');
        return;
    }
  }

  /** A URL of this controller's own storage as the node may use it; any other as it is. */
  reachable(nodeKey: NodeKey, url: string, permissions: string): string {
    const session = this.sessions.get(nodeKey);
    if (session === undefined) return url;
    const account = accountName(this.ports.view(), nodeKey);
    return this.storageOf(session, account).reachable(url, permissions);
  }

  private configure(session: AgentSession): void {
    const view = this.ports.view();
    const node = view.nodes.get(session.nodeKey);
    const pool = node === undefined ? undefined : view.pools.get(node.pool);
    if (node === undefined || pool === undefined || node.incarnation !== session.incarnation)
      return;
    const configuration = buildConfiguration(
      node,
      pool,
      view,
      (sealed) => this.ports.open(sealed),
      this.storageOf(session, accountName(view, session.nodeKey)),
      session.baseUrl,
      this.ports,
    );
    session.send({ type: 'configure', configuration });
  }

  /** At once where memory still has every body, which is the rule for tasks just added. */
  private assign(session: AgentSession, effect: Of<'sendAssignments'>): Promise<void> | void {
    const view = this.ports.view();
    const missing = effect.attempts
      .filter(({ taskKey }) => !isSpecial(view, taskKey))
      .map(({ taskKey }) => taskOf(taskKey))
      .filter((key) => view.taskBody(key) === undefined);
    if (missing.length === 0) {
      this.sendAssignments(session, effect, new Map());
      return;
    }
    return this.bodies.read(missing).then((bodies) => {
      this.sendAssignments(session, effect, bodies);
    });
  }

  private sendAssignments(
    session: AgentSession,
    effect: Of<'sendAssignments'>,
    bodies: ReadonlyMap<TaskKey, TaskBody>,
  ): void {
    const view = this.ports.view();
    const storage = this.storageOf(session, accountName(view, session.nodeKey));
    const assignments = effect.attempts.flatMap(({ taskKey, attempt, again }) => {
      const special = specialAssignments(view, session.nodeKey, { taskKey, attempt }, storage);
      if (special !== undefined) return special;
      const key = taskOf(taskKey);
      const task = view.task(key);
      const body = bodies.get(key) ?? view.taskBody(key);
      const place = task === undefined ? undefined : placeOf(task, taskKey);
      const job = task === undefined ? undefined : view.jobs.get(task.job);
      if (task?.attempt !== attempt || place?.node !== session.nodeKey || job === undefined) {
        // Deleted, or taken back, while its body was read: no agent may begin it any more.
        return [];
      }
      if (body === undefined) throw new Error(`task ${taskKey} has no body`);
      const token = () => this.ports.taskToken({ job, task });
      const whole = buildAssignment(task, body, job, storage, token, view);
      const part = { task, body, id: place.id, view };
      const assignment = asPart(whole, part, storage, this.ports.vmSizes);
      return [again === undefined ? assignment : { ...assignment, again }];
    });
    const opened = openSecrets((sealed) => this.ports.open(sealed), assignments);
    if (opened.length > 0) session.send({ type: 'assign', assignments: opened });
  }

  private storageOf(session: AgentSession, account: string): OwnStorage {
    return new OwnStorage(this.ports.storage, account, session.baseUrl);
  }
}

function accountName(view: StateView, nodeKey: NodeKey): string {
  const account = view.nodes.get(nodeKey)?.account;
  return account === undefined ? '' : (view.accounts.get(account)?.name ?? account);
}
