import type { Assignment, NodeConfiguration, Program } from '../../protocol/agent/assignment.js';
import type { AttemptRef } from '../../protocol/agent/message.js';
import { attemptId, type RunOutcome } from '../core/output.js';
import { createPartDirectory, createStartTaskDirectory } from '../node/directories.js';
import { livingProcess } from '../node/process.js';
import type { HttpClient } from '../node/http.js';
import type { RunUser } from '../node/users.js';
import type { ApplicationPackages } from './application-packages.js';
import type { Cgroups } from './cgroup.js';
import type { Containers } from './container/containers.js';
import { DiskGuard } from './disk-guard.js';
import { Stopped } from './failure.js';
import type { LogCopies } from './log-copies.js';
import type { Launcher, ProcessEnd } from './launcher.js';
import { launchFailure } from './program-file.js';
import {
  adoptedRun,
  begunRun,
  hasDownloads,
  joinGroup,
  failedOutcome,
  killProcesses,
  logOf,
  newRun,
  processBegan,
  factsOf,
} from './run-record.js';
import type { BegunRun, Part, Run } from './run-record.js';
import { downloadInputs, uploadFailed, uploadOutputs } from './run-files.js';
import { environmentOf, handOverRun, isPreparation, type RunAsContext } from './run-as.js';
import { containerOrder, hostOrder, refusalOf, type RunOrder } from './run-order.js';
import { killSession, signalGroup } from './session.js';
import { GROUP_AFTER_MS, Stragglers } from './stragglers.js';
import type { TransferLimits } from './transfer.js';

/** What all runs on a node share. */
export interface RunnerContext extends RunAsContext {
  client: HttpClient;
  packages: ApplicationPackages;
  launcher: Launcher;
  containers: Containers;
  /** Absent: processes are found by their session and environment. */
  cgroups?: Cgroups | undefined;
  logs: LogCopies;
  survivor?: number | undefined;
  /** A process of a run has begun, or a part of a multi-instance task waits: to be written down. */
  began: (run: BegunRun) => void;
  limits: TransferLimits;
  epoch: () => number;
}

/**
 * Runs tries and the start task: directories, files in, process, files out. A run without files takes
 * the straight way, in which nothing is awaited; `ended` is called once for each run, never inside
 * `start…` itself.
 */
export class Runner {
  #runs = new Map<string, Run>();
  #stragglers: Stragglers;
  #disk: DiskGuard;

  constructor(private readonly context: RunnerContext) {
    this.#stragglers = new Stragglers(context.cgroups?.path, context.survivor);
    const kill = (run: Run) => this.#killRun(run, 0);
    this.#disk = new DiskGuard(context, () => this.#runs.values(), kill);
  }

  startAttempt(
    assignment: Assignment,
    configuration: NodeConfiguration,
    ended: (outcome: RunOutcome) => void,
    coordinated: (outcome: RunOutcome) => void,
  ): void {
    const { directory, multiInstance, outputFiles } = assignment;
    const { rootDirectory, users } = this.context;
    const shared = multiInstance?.sharedDirectory ?? directory;
    const makeDirectory = () => createPartDirectory(rootDirectory, shared, directory, users.groups);
    const part: Part | undefined = multiInstance && {
      multiInstance,
      state: 'coordinating',
      coordinated,
    };
    const own = { outputFiles, ...(part === undefined ? {} : { part }) };
    this.#start(assignment, assignment, configuration, own, ended, makeDirectory);
  }

  startStartTask(
    configuration: NodeConfiguration,
    program: Program,
    startTaskRun: number,
    ended: (outcome: RunOutcome) => void,
  ): void {
    const { rootDirectory, users } = this.context;
    const makeDirectory = () => createStartTaskDirectory(rootDirectory, users.groups);
    const own = { outputFiles: [], startTaskRun };
    this.#start('startTask', program, configuration, own, ended, makeDirectory);
  }

  /** The other parts are coordinated: the primary's command line runs, once it is known. */
  proceed(attempt: AttemptRef): void {
    const run = this.#runs.get(attemptId(attempt));
    if (run?.part?.state !== 'waiting' || run.part.multiInstance.subtaskId !== 0) return;
    if (run.awaits !== undefined) {
      run.awaits.proceeds = true;
      return;
    }
    run.part.state = 'proceeded';
    this.#launchLater(run);
  }

  /** Kills all processes of a try: politely, then for sure. A try that only downloads is just stopped. */
  kill(attempt: AttemptRef, graceMs: number, keepsOutput: boolean): void {
    const run = this.#runs.get(attemptId(attempt));
    if (run === undefined) return;
    run.timedOut = keepsOutput && run.pid !== undefined;
    this.#killRun(run, graceMs);
  }

  /** Kills everything that runs, at once; for the end of the agent. */
  killAll(): void {
    for (const run of this.#runs.values()) this.#killRun(run, 0);
  }

  /** Takes up a run that an earlier process of this agent began; `orphanEnded` tells its end. */
  adopt(
    begun: BegunRun,
    directory: string,
    environment: Record<string, string>,
    told: Pick<Run, 'ended'> & Pick<Part, 'coordinated'>,
  ): void {
    const { of, pid, part } = begun;
    const { rootDirectory, cgroups, logs } = this.context;
    const id = of === 'startTask' ? of : attemptId(of);
    const ended = (outcome: RunOutcome) => {
      this.#forget(id, run);
      this.#disk.judge(run, outcome, told.ended);
    };
    const run = adoptedRun(begun, `${rootDirectory}/${directory}`, environment, { ...told, ended });
    this.#runs.set(id, run);
    const group = cgroups?.find(pid ?? 0, part?.group);
    if (group !== undefined) run.cgroup = group;
    else if (pid !== undefined && livingProcess(pid) !== undefined && cgroups !== undefined)
      joinGroup(run, cgroups, pid);
    run.endOfLogs = logs.watch(logOf(run), run.taskDirectory, run.logsApart);
  }

  /** The end of a process whose run was adopted; others are not ours. */
  orphanEnded(pid: number, end: ProcessEnd): void {
    for (const run of this.#runs.values()) if (run.pid === pid) return this.#processEnded(run, end);
  }

  /** Whether the process of a run has not ended, as far as is known. */
  awaitsEnd(of: AttemptRef): boolean {
    return this.#runs.get(attemptId(of))?.pid !== undefined;
  }

  /** Nobody will say how the process of this run ended; one whose end is known goes on. */
  giveUp(of: AttemptRef | 'startTask'): void {
    const run = this.#runs.get(of === 'startTask' ? of : attemptId(of));
    if (run?.pid === undefined || livingProcess(run.pid) !== undefined) return;
    delete run.pid;
    run.stopped = true;
    this.#end(run, { startTime: run.startTime, endTime: this.context.epoch() });
  }

  /** What an adopted run needs to go on, or for its end, has come. */
  complete(assignment: Assignment, configuration: NodeConfiguration | undefined): void {
    const run = this.#runs.get(attemptId(assignment));
    if (run?.awaits === undefined) return;
    const { end, proceeds } = run.awaits;
    delete run.awaits;
    run.outputFiles = assignment.outputFiles;
    const { multiInstance } = assignment;
    if (run.part !== undefined && multiInstance !== undefined && configuration !== undefined) {
      run.part = { ...run.part, multiInstance };
      run.program = assignment;
      if (configuration.containers !== undefined) run.containerPool = configuration.containers;
      run.environment = environmentOf(run, configuration, this.context);
    }
    if (proceeds === true) this.proceed(assignment);
    if (end !== undefined) this.#processEnded(run, end);
  }

  /** Whether a run goes on that may write this file. */
  writes(path: string): boolean {
    return [...this.#runs.values()].some((run) => path.startsWith(`${run.taskDirectory}/`));
  }

  /** Runs that have not ended. */
  get size(): number {
    return this.#runs.size;
  }

  #start(
    of: AttemptRef | 'startTask',
    program: Program,
    configuration: NodeConfiguration,
    own: Pick<Run, 'outputFiles' | 'part' | 'startTaskRun'>,
    ended: (outcome: RunOutcome) => void,
    makeDirectory: () => string,
  ): void {
    const id = of === 'startTask' ? of : attemptId(of);
    const run = newRun(of, program, configuration, this.context.epoch(), {
      ...own,
      isReadable: 'requiredSlots' in program && isPreparation(program),
      ended: (outcome) => {
        this.#forget(id, run);
        this.#disk.judge(run, outcome, ended);
      },
    });
    this.#runs.set(id, run);
    let preparation: Promise<void> | undefined;
    try {
      run.taskDirectory = makeDirectory();
      preparation = this.#prepare(run, configuration);
      if (preparation === undefined) return this.#launch(run);
    } catch (error) {
      return this.#failBefore(run, error);
    }
    preparation.then(
      () => this.#launchLater(run),
      (error: unknown) => this.#failBefore(run, error),
    );
  }

  /** Nothing is left of a run that is over, but for what a start task leaves on purpose. */
  #forget(id: string, run: Run): void {
    const { part, cgroup, keepsLeftovers, user } = run;
    clearTimeout(run.killTimer);
    clearTimeout(run.groupTimer);
    if (part?.leader !== undefined) killSession(part.leader);
    cgroup?.close(!keepsLeftovers);
    this.#stragglers.ended(run);
    if (user !== undefined) this.context.users.release(user);
    this.#runs.delete(id);
  }

  /** Nothing is awaited where there is nothing to wait for. */
  #prepare(run: Run, configuration: NodeConfiguration): Promise<void> | undefined {
    const kind = run.keepsLeftovers ? 'starttask' : 'task';
    const user = this.context.users.userFor(run.program.userIdentity, kind);
    const become = (known: RunUser | undefined) => {
      if (known !== undefined) run.user = known;
      run.environment = environmentOf(run, configuration, this.context);
      return hasDownloads(run) ? downloadInputs(run, this.context) : undefined;
    };
    return user instanceof Promise ? user.then(become) : become(user);
  }

  #launchLater(run: Run): void {
    try {
      if (run.stopped) throw new Stopped();
      this.#launch(run);
    } catch (error) {
      this.#failBefore(run, error);
    }
  }

  #launch(run: Run): void {
    const { containers } = this.context;
    const inContainer = containerOrder(run, this.context);
    const onNode = inContainer === undefined ? hostOrder(run, this.context) : undefined;
    handOverRun(run, this.context);
    if (onNode !== undefined) return this.#spawn(run, onNode);
    if (inContainer === undefined) return;
    containers.create(inContainer).then(
      ({ id, launch }) => {
        run.container = id;
        run.isContainerGone = false;
        if (run.stopped) this.#failBefore(run, new Stopped());
        else this.#spawn(run, { file: launch.file, order: launch });
      },
      (error: unknown) => this.#failBefore(run, error),
    );
  }

  #spawn(run: Run, { file, order }: RunOrder): void {
    this.#stragglers.begins(run);
    const from = performance.now();
    this.context.launcher.launch(order, {
      started: (pid) => {
        processBegan(run, pid, from);
        if (run.container === undefined) this.#groupLater(run, pid);
        if (!run.stopped) this.context.began(begunRun(run));
        run.endOfLogs ??= this.context.logs.watch(logOf(run), run.taskDirectory, run.logsApart);
        // Told to stop while it was being started.
        if (run.stopped) killProcesses(run, pid);
      },
      failed: (error) => this.#failBefore(run, launchFailure(file, error.code)),
      ended: (end) => {
        const refusal = refusalOf(run, file, end);
        if (refusal === undefined) return this.#processEnded(run, end);
        delete run.pid;
        this.#failBefore(run, refusal);
      },
    });
  }

  /** Short runs are over before a group of theirs would have paid: what they leave is found by its environment. */
  #groupLater(run: Run, pid: number): void {
    const { cgroups } = this.context;
    if (cgroups === undefined) return;
    const join = () => {
      if (run.cgroup !== undefined) run.cgroup.adopt(pid);
      else if (run.pid === pid) joinGroup(run, cgroups, pid);
      this.#stragglers.grouped(run);
    };
    if (run.cgroup === undefined) run.groupTimer = setTimeout(join, GROUP_AFTER_MS);
    else join();
  }

  #processEnded(run: Run, end: ProcessEnd): void {
    if (run.awaits !== undefined && !run.stopped && run.part?.state !== 'coordinating') {
      run.awaits.end = end;
      return;
    }
    const pid = run.pid;
    delete run.pid;
    if (this.#removesContainer(run, () => this.#processEnded(run, end))) return;
    if (run.part?.state === 'coordinating') return this.#coordinationEnded(run, run.part, pid, end);
    if (pid !== undefined && run.stopped) killProcesses(run, pid);
    else if (pid !== undefined && !run.keepsLeftovers) this.context.launcher.sweepGroup(pid);
    const outcome: RunOutcome = {
      startTime: run.startTime,
      endTime: this.context.epoch(),
      ...end,
      ...factsOf(run, end),
    };
    if (run.outputFiles.length === 0 || (run.stopped && run.timedOut !== true))
      return this.#end(run, outcome);
    if (run.timedOut === true) {
      run.stopped = false;
      delete run.abort;
    }
    uploadOutputs(run, end, this.context).then(
      () => this.#end(run, { ...outcome, endTime: this.context.epoch() }),
      (error: unknown) => this.#end(run, uploadFailed(outcome, error, this.context.epoch())),
    );
  }

  /** Nothing in a container runs on when its run ends; true: `then` follows. */
  #removesContainer(run: Run, then: () => void): boolean {
    const { container } = run;
    if (container === undefined || run.isContainerGone === true) return false;
    run.isContainerGone = true;
    this.context.containers
      .remove(container)
      .then(then, (error: unknown) => this.#failBefore(run, error));
    return true;
  }

  /** Takes short outputs along; longer ones are copied to their end first. */
  #end(run: Run, outcome: RunOutcome): void {
    const logs = run.endOfLogs?.();
    delete run.endOfLogs;
    if (logs instanceof Promise)
      logs.then(
        () => run.ended(outcome),
        (error: unknown) => this.#failBefore(run, error),
      );
    else run.ended(logs === undefined ? outcome : { ...outcome, logs });
  }

  /** With 0 the part waits, and what its command left running lives on; anything else ends the run. */
  #coordinationEnded(run: Run, part: Part, pid: number | undefined, end: ProcessEnd): void {
    const outcome: RunOutcome = { startTime: run.startTime, endTime: this.context.epoch(), ...end };
    if (pid !== undefined) part.leader = pid;
    if (run.stopped || end.exitCode !== 0) return this.#end(run, outcome);
    part.state = 'waiting';
    this.context.began(begunRun(run));
    part.coordinated(outcome);
  }

  /** Reports in a later turn: the caller of `start…` is still at work. */
  #failBefore(run: Run, error: unknown): void {
    if (this.#removesContainer(run, () => this.#failBefore(run, error))) return;
    const outcome = failedOutcome(run, error, this.context.epoch());
    setImmediate(() => this.#end(run, outcome));
  }

  #killRun(run: Run, graceMs: number): void {
    run.stopped = true;
    run.abort?.abort();
    const { pid, part } = run;
    if (part?.state === 'waiting') {
      part.state = 'proceeded';
      const end = { startTime: run.startTime, endTime: this.context.epoch() };
      setImmediate(() => this.#end(run, end));
      return;
    }
    if (pid === undefined) return;
    if (graceMs <= 0) return killProcesses(run, pid);
    signalGroup(pid, 'SIGTERM');
    run.killTimer ??= setTimeout(
      () => run.pid !== undefined && killProcesses(run, run.pid),
      graceMs,
    );
  }
}
