import type { NodeConfiguration } from '../../protocol/agent/assignment.js';
import type { ToAgent, ToController } from '../../protocol/agent/message.js';
import { PROTOCOL_VERSION } from '../../protocol/agent/version.js';
import { AgentCore } from '../core/agent-core.js';
import type { Moment, Output, RunOutcome } from '../core/output.js';
import { Connection } from '../link/connection.js';
import { sendLog } from '../link/log.js';
import { chooseUsers } from '../node/choose-users.js';
import { ipAddress, lentEnvironment } from '../node/description.js';
import { removeAside } from '../node/directories.js';
import { removeDirectories } from '../node/files.js';
import type { HttpClient } from '../node/http.js';
import { type Identity } from '../node/identity.js';
import { killLeftovers } from '../node/leftovers.js';
import { disk, Metrics } from '../node/metrics.js';
import { Mounts } from '../node/mounts.js';
import { NodeUsers } from '../node/node-users.js';
import { Retention } from '../node/retention.js';
import type { Survivor } from '../node/survivor.js';
import type { Users } from '../node/users.js';
import type { ChosenLauncher } from '../task/choose-launcher.js';
import { ApplicationPackages } from '../task/application-packages.js';
import { findSetpriv } from '../task/as-user.js';
import { Cgroups } from '../task/cgroup.js';
import { Containers } from '../task/container/containers.js';
import { LogCopies } from '../task/log-copies.js';
import { Runner } from '../task/run.js';
import { limitTransfers, TRANSFER_LIMITS } from '../task/transfer.js';
import { Legacy, type LegacyPorts } from './legacy.js';
import { log, textOf } from './log.js';
import { prepare, unusable } from './preparation.js';
import { Requests } from './requests.js';

export const AGENT_VERSION = '0.1.0';
/** Events of this long travel in one message; a lone event after a quiet time goes at once. */
const FLUSH_INTERVAL_MS = 4;
const RETENTION_SWEEP_MS = 5_000;
/** From the node's being ready to what its first process needs. */
const LOAD_AFTER_MS = 50;
/** At the end of the agent: for its tries to die and the last message to leave. */
const FAREWELL_MS = 3_000;
/** A longer timer would overflow. */
const TIMER_MAX_MS = 2_000_000_000;

const now = (): Moment => ({ monotonic: performance.now(), epoch: Date.now() });

/** Carries out what the core decides, and tells it what came of it. */
export class Agent {
  #core: AgentCore;
  #connection: Connection;
  #runner: Runner;
  #metrics: Metrics;
  #retention = new Retention();
  #packages: ApplicationPackages;
  #containers: Containers;
  #mounts: Mounts;
  #logs: LogCopies;
  #users: Users;
  #cgroups: Cgroups | undefined;
  #nodeUsers: NodeUsers;
  #legacy: Legacy;
  #hasCertificates = false;
  #requests: Requests;
  #busy = false;
  #stopping = false;
  #wake: { at: number; timer: NodeJS.Timeout } | undefined;
  #flushTimer: NodeJS.Timeout | undefined;
  #flushedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly identity: Identity,
    client: HttpClient,
    private readonly launcher: ChosenLauncher,
    survivor: Survivor | undefined,
  ) {
    const { rootDirectory } = identity;
    const setpriv = findSetpriv();
    this.#users = chooseUsers(identity, setpriv, log);
    this.#cgroups = Cgroups.find(rootDirectory);
    const { taskUsers } = identity;
    const ownsMachine = this.#users.groups !== undefined && taskUsers?.kind === 'accounts';
    this.#nodeUsers = new NodeUsers(rootDirectory, ownsMachine ? setpriv : undefined);
    this.#core = new AgentCore({
      protocolVersion: PROTOCOL_VERSION,
      agentVersion: AGENT_VERSION,
      remarks: [this.#users.remark, ...(launcher.remark === undefined ? [] : [launcher.remark])],
      ipAddress: ipAddress(),
    });
    this.#metrics = new Metrics(rootDirectory);
    this.#packages = new ApplicationPackages(rootDirectory, client, TRANSFER_LIMITS);
    this.#containers = new Containers(process.env, rootDirectory);
    this.#mounts = new Mounts(rootDirectory, this.#users);
    this.#logs = new LogCopies({
      send: (copy, signal) => sendLog(client.request, identity, copy, signal),
      log,
    });
    this.#legacy = new Legacy(rootDirectory, identity, survivor);
    this.#runner = new Runner({
      began: (run) => this.#legacy.began(run, this.#core),
      survivor: survivor && process.ppid,
      logs: this.#logs,
      rootDirectory,
      environment: lentEnvironment(process.env),
      diskBytes: disk(rootDirectory).size,
      hasCertificates: () => this.#hasCertificates,
      client,
      packages: this.#packages,
      launcher: launcher.launcher,
      containers: this.#containers,
      cgroups: this.#cgroups,
      users: this.#users,
      setpriv: setpriv ?? '',
      limits: TRANSFER_LIMITS,
      epoch: Date.now,
    });
    this.#requests = new Requests({
      identity,
      client,
      nodeUsers: this.#nodeUsers,
      hasUsers: () => this.#hasUsers,
      writes: (path) => this.#runner.writes(path),
      send: (message) => this.#connection.send(message),
    });
    this.#connection = new Connection(identity, {
      opened: () => this.#input(() => this.#core.linkOpened()),
      closed: () => {
        this.#requests.linkClosed();
        this.#input(() => this.#core.linkClosed());
      },
      message: (message) => this.#received(message),
      refused: (status) => {
        log(
          `the controller refused the link for good (status ${status}): this incarnation of the node is over`,
        );
        this.stop(1);
      },
      log,
    });
  }

  run(): void {
    for (const [directory, until] of this.#legacy.retained)
      this.#retention.retain(directory, until);
    // Its answer comes in a later turn, when everything has been taken up.
    this.#connection.dial();
    this.#input(() => this.#legacy.takeUp(this.#ports()));
    setInterval(() => this.#sweep(), RETENTION_SWEEP_MS).unref();
  }

  #ports(): LegacyPorts {
    return {
      core: this.#core,
      runner: this.#runner,
      now,
      attemptEnded: (assignment, outcome) =>
        this.#input(() => this.#core.attemptEnded(assignment, outcome, now())),
      attemptCoordinated: (attempt, outcome) =>
        this.#input(() => this.#core.attemptCoordinated(attempt, outcome)),
      startTaskEnded: (outcome) => this.#input(() => this.#core.startTaskEnded(outcome, now())),
    };
  }

  /** Kills everything that runs here, says so if it can, and ends the program. */
  stop(exitCode: number): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#input(() => this.#core.shutDown());
    this.#runner.killAll();
    const deadline = performance.now() + FAREWELL_MS;
    const leave = setInterval(() => {
      if (this.#runner.size > 0 && performance.now() < deadline) return;
      clearInterval(leave);
      this.#core.flush();
      this.#settle();
      this.#connection.close();
      // What the start task left running goes with its node.
      killLeftovers(this.identity.rootDirectory);
      this.#cgroups?.close();
      for (const problem of this.#mounts.unmountAll()) log(problem);
      process.exit(exitCode);
    }, 20);
  }

  #received(message: ToAgent): void {
    this.#input(() => this.#core.receive(message, now()));
    if (message.type === 'acknowledge') this.#legacy.acknowledged(message.sequence);
  }

  #input(input: () => void): void {
    input();
    this.#settle();
  }

  /** Carries out orders until none is left; orders of an input inside this loop join it. */
  #settle(): void {
    if (this.#busy) return;
    this.#busy = true;
    try {
      let outputs = this.#core.takeOutputs();
      while (outputs.length > 0) {
        for (const output of outputs) this.#carryOut(output);
        outputs = this.#core.takeOutputs();
      }
    } finally {
      this.#busy = false;
    }
    this.#legacy.guard(this.#core);
    this.#planFlush();
    this.#planWake();
  }

  #carryOut(output: Output): void {
    switch (output.type) {
      case 'send':
        return this.#send(output.message);
      case 'recordEvents':
        this.#legacy.recordEvents(output.events);
        return this.#legacy.write(this.#core);
      case 'completeAttempt':
        return this.#runner.complete(output.assignment, output.configuration);
      case 'dropLink':
        log('the controller does not answer: the link is dropped');
        return this.#connection.drop();
      case 'prepareNode':
        return this.#own(this.#prepare(output.configuration), 'preparing the node');
      case 'runStartTask': {
        const { startTask } = output.configuration;
        if (startTask === undefined) return;
        const ended = (outcome: RunOutcome) =>
          this.#input(() => this.#core.startTaskEnded(outcome, now()));
        const { configuration, retryCount } = output;
        return this.#runner.startStartTask(configuration, startTask, retryCount, ended);
      }
      case 'startAttempt': {
        const { assignment } = output;
        const { directory, multiInstance } = assignment;
        this.#forget(multiInstance?.sharedDirectory ?? directory);
        return this.#runner.startAttempt(
          assignment,
          output.configuration,
          (outcome) => this.#input(() => this.#core.attemptEnded(assignment, outcome, now())),
          (outcome) => this.#input(() => this.#core.attemptCoordinated(assignment, outcome)),
        );
      }
      case 'killAttempt':
        return this.#runner.kill(output.attempt, output.graceMs, output.keepsOutput);
      case 'proceedAttempt':
        return this.#runner.proceed(output.attempt);
      case 'answerRequest':
        return this.#own(this.#requests.answer(output.id, output.request), 'a file request');
      case 'removeDirectories':
        for (const directory of output.directories)
          for (const kept of this.#retention.takeRemoved(directory)) this.#legacy.forget(kept);
        this.#legacy.write(this.#core); // A later boot must not wait for what is gone.
        return this.#own(
          removeDirectories(this.identity.rootDirectory, output.directories, this.#hasUsers),
          'removing directories',
        );
      case 'retainDirectory':
        this.#legacy.retain(output.directory, output.untilEpoch);
        return this.#retention.retain(output.directory, output.untilEpoch);
    }
  }

  #forget(directory: string): void {
    this.#retention.forget(directory);
    this.#legacy.forget(directory);
  }

  #send(message: ToController): void {
    if (message.type === 'heartbeat')
      this.#connection.send({
        ...message,
        metrics: { ...this.#metrics.sample(), retainedDirectories: this.#retention.size },
      });
    else this.#connection.send(message);
  }

  async #prepare(configuration: NodeConfiguration): Promise<void> {
    try {
      this.#logs.configure(configuration.logs);
      limitTransfers(configuration.transfers ?? {});
      await prepare(configuration, {
        rootDirectory: this.identity.rootDirectory,
        users: this.#users,
        mounts: this.#mounts,
        containers: this.#containers,
        packages: this.#packages,
      });
      this.#hasCertificates = configuration.certificates.length > 0;
    } catch (error) {
      const { code, message, details } = unusable(error);
      this.#input(() => this.#core.unusable(code, message, details));
      return;
    }
    this.#input(() => this.#core.prepared(now()));
    // Once the controller has been told.
    setTimeout(() => this.launcher.load(), LOAD_AFTER_MS).unref();
  }

  #sweep(): void {
    const { rootDirectory } = this.identity;
    this.#own(this.#nodeUsers.removeExpired(Date.now()), 'removing users that have expired');
    const expired = this.#retention.takeExpired(Date.now());
    for (const directory of expired) this.#legacy.forget(directory);
    if (expired.length > 0)
      this.#own(removeDirectories(rootDirectory, expired, this.#hasUsers), 'retention');
    else if (this.#hasUsers) this.#own(removeAside(rootDirectory), 'removing what was set aside');
  }

  get #hasUsers(): boolean {
    return this.#users.groups !== undefined;
  }

  #own(work: Promise<void>, what: string): void {
    work.catch((error: unknown) => log(`${what} failed: ${textOf(error)}`));
  }

  /** Ends go at once after a quiet time; starts wait a moment, since a short task's end makes them needless. */
  #planFlush(): void {
    const unsent = this.#core.unsent;
    if (unsent === 'nothing' || this.#flushTimer !== undefined) return;
    const since = performance.now() - this.#flushedAt;
    const wait = unsent === 'events' && since >= FLUSH_INTERVAL_MS ? 0 : FLUSH_INTERVAL_MS;
    if (wait === 0) return this.#flush();
    this.#flushTimer = setTimeout(() => this.#flush(), wait);
  }

  #flush(): void {
    clearTimeout(this.#flushTimer);
    this.#flushTimer = undefined;
    this.#flushedAt = performance.now();
    this.#core.flush();
    for (const output of this.#core.takeOutputs()) this.#carryOut(output);
  }

  /** One timer for all that time brings about; one that fires too early does no harm. */
  #planWake(): void {
    const at = this.#core.wakeAt();
    if (this.#wake !== undefined && this.#wake.at <= at) return;
    clearTimeout(this.#wake?.timer);
    this.#wake = undefined;
    if (at === Number.POSITIVE_INFINITY) return;
    const wait = Math.min(Math.max(0, Math.ceil(at - performance.now())), TIMER_MAX_MS);
    const timer = setTimeout(() => {
      this.#wake = undefined;
      this.#input(() => this.#core.tick(now()));
    }, wait);
    this.#wake = { at, timer };
  }
}
