import type { Assignment, NodeConfiguration, Program } from '../../protocol/agent/assignment.js';
import type { AttemptRef } from '../../protocol/agent/message.js';
import { splitCommandLine } from '../core/command-line.js';
import { attemptId, type RunOutcome } from '../core/output.js';
import {
  createPartDirectory,
  createStartTaskDirectory,
  createTaskDirectory,
} from '../node/directories.js';
import { livingProcess } from '../node/process.js';
import type { HttpClient } from '../node/http.js';
import type { RunUser } from '../node/users.js';
import type { ApplicationPackages } from './application-packages.js';
import type { Cgroups } from './cgroup.js';
import { asUser, isPlainText, refusedProgram } from './as-user.js';
import { Stopped } from './failure.js';
import type { LogCopies } from './log-copies.js';
import type { Launcher, LaunchOrder, ProcessEnd } from './launcher.js';
import { findProgram, launchFailure } from './program-file.js';
import {
  adoptedRun,
  copiesLogs,
  hasDownloads,
  joinGroup,
  killProcesses,
  stepFailure,
  usageOf,
  type BegunRun,
  type Part,
  type Run,
} from './run-record.js';
import { downloadInputs, uploadFailed, uploadOutputs } from './run-files.js';
import { environmentOf, handOverRun, isPreparation, type RunAsContext } from './run-as.js';
import { killSession, signalGroup } from './session.js';
import { Stragglers } from './stragglers.js';
import type { TransferLimits } from './transfer.js';

/** A run that lives longer gets a control group of its own. */
const GROUP_AFTER_MS = 10;

/** What all runs on a node share. */
export interface RunnerContext extends RunAsContext {
  client: HttpClient;
  packages: ApplicationPackages;
  launcher: Launcher;
  /** Absent: processes are found by their session and environment. */
  cgroups?: Cgroups | undefined;
  logs: LogCopies;
  /** A process of a run that is no part of a multi-instance task has begun. */
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
  #stragglers = new Stragglers((directory) => this.#runsIn(directory));

  constructor(private readonly context: RunnerContext) {}

  startAttempt(
    assignment: Assignment,
    configuration: NodeConfiguration,
    ended: (outcome: RunOutcome) => void,
    coordinated: (outcome: RunOutcome) => void,
  ): void {
    const { directory, multiInstance } = assignment;
    const { rootDirectory, users } = this.context;
    const { groups } = users;
    this.#start(
      assignment,
      assignment,
      configuration,
      assignment.outputFiles,
      ended,
      () =>
        multiInstance === undefined
          ? createTaskDirectory(rootDirectory, directory, groups)
          : createPartDirectory(rootDirectory, multiInstance.sharedDirectory, directory, groups),
      multiInstance && { multiInstance, state: 'coordinating', coordinated },
    );
  }

  startStartTask(
    configuration: NodeConfiguration,
    program: Program,
    ended: (outcome: RunOutcome) => void,
  ): void {
    const { rootDirectory, users } = this.context;
    this.#start('startTask', program, configuration, [], ended, () =>
      createStartTaskDirectory(rootDirectory, users.groups),
    );
  }

  /** The other parts are coordinated: the primary's command line runs. */
  proceed(attempt: AttemptRef): void {
    const run = this.#runs.get(attemptId(attempt));
    if (run?.part?.state !== 'waiting' || run.part.multiInstance.subtaskId !== 0) return;
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
    ended: (outcome: RunOutcome) => void,
  ): void {
    const { of, pid } = begun;
    const id = of === 'startTask' ? of : attemptId(of);
    const taskDirectory = `${this.context.rootDirectory}/${directory}`;
    const run = adoptedRun(begun, taskDirectory, environment, (outcome) => {
      clearTimeout(run.killTimer);
      run.cgroup?.close(!run.keepsLeftovers);
      if (!run.keepsLeftovers) this.#stragglers.ended(run.taskDirectory);
      if (run.user !== undefined) this.context.users.release(run.user);
      this.#runs.delete(id);
      ended(outcome);
    });
    this.#runs.set(id, run);
    if (livingProcess(pid) !== undefined && this.context.cgroups !== undefined)
      joinGroup(run, this.context.cgroups, pid);
    run.endOfLogs = this.context.logs.watch(of, run.taskDirectory);
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

  /** What the end of an adopted run needs has come. */
  complete(assignment: Assignment): void {
    const run = this.#runs.get(attemptId(assignment));
    if (run?.awaits === undefined) return;
    const { end } = run.awaits;
    delete run.awaits;
    run.outputFiles = assignment.outputFiles;
    if (end !== undefined) this.#processEnded(run, end);
  }

  /** Whether a run goes on that may write this file. */
  writes(path: string): boolean {
    for (const { taskDirectory } of this.#runs.values())
      if (path.startsWith(`${taskDirectory}/`)) return true;
    return false;
  }

  #runsIn(directory: string): boolean {
    for (const { taskDirectory } of this.#runs.values())
      if (taskDirectory === directory) return true;
    return false;
  }

  /** Runs that have not ended. */
  get size(): number {
    return this.#runs.size;
  }

  #start(
    of: AttemptRef | 'startTask',
    program: Program,
    configuration: NodeConfiguration,
    outputFiles: Assignment['outputFiles'],
    ended: (outcome: RunOutcome) => void,
    makeDirectory: () => string,
    part?: Part,
  ): void {
    const id = of === 'startTask' ? of : attemptId(of);
    const run: Run = {
      of: of === 'startTask' ? of : { taskKey: of.taskKey, attempt: of.attempt },
      program,
      outputFiles,
      taskDirectory: '',
      environment: {},
      startTime: this.context.epoch(),
      stopped: false,
      keepsLeftovers: id === 'startTask',
      isReadable: 'requiredSlots' in program && isPreparation(program),
      ...(part === undefined ? {} : { part }),
      ended: (outcome) => {
        clearTimeout(run.killTimer);
        clearTimeout(run.groupTimer);
        if (part?.leader !== undefined) killSession(part.leader);
        run.cgroup?.close(!run.keepsLeftovers);
        if (run.hadProcess === true && !run.keepsLeftovers)
          this.#stragglers.ended(run.taskDirectory);
        if (run.user !== undefined) this.context.users.release(run.user);
        this.#runs.delete(id);
        ended(outcome);
      },
    };
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
    const { part } = run;
    const commandLine =
      part?.state === 'coordinating'
        ? part.multiInstance.coordinationCommandLine
        : run.program.commandLine;
    const argv = splitCommandLine(commandLine);
    const workingDirectory = `${run.taskDirectory}/wd`;
    const file = findProgram(argv[0] ?? '', run.environment.PATH ?? '', workingDirectory);
    const { user } = run;
    if (user !== undefined && isPlainText(file)) throw launchFailure(file, 'ENOEXEC');
    handOverRun(run, this.context);
    const stderrPath = `${run.taskDirectory}/stderr.txt`;
    const plain: LaunchOrder = {
      file,
      argv,
      environment: run.environment,
      workingDirectory,
      stdoutPath: `${run.taskDirectory}/stdout.txt`,
      stderrPath,
      ...(part?.state === 'proceeded' ? { appends: true } : {}),
    };
    const order = user === undefined ? plain : asUser(plain, user, this.context.setpriv);
    this.context.launcher.launch(order, {
      started: (pid) => {
        run.pid = pid;
        run.hadProcess = true;
        this.#groupLater(run, pid);
        if (run.part === undefined && !run.stopped) this.#tellBegun(run, pid);
        if (copiesLogs(run)) run.endOfLogs = this.context.logs.watch(run.of, run.taskDirectory);
        // Told to stop while it was being started.
        if (run.stopped) killProcesses(run, pid);
      },
      failed: (error) => this.#failBefore(run, launchFailure(file, error.code)),
      ended: (end) => {
        const refusal = user && refusedProgram(end.exitCode, file, stderrPath);
        if (refusal === undefined) return this.#processEnded(run, end);
        delete run.pid;
        this.#failBefore(run, launchFailure(file, refusal));
      },
    });
  }

  #tellBegun({ of, startTime, user, outputFiles }: Run, pid: number): void {
    const hasOutputs = outputFiles.length > 0;
    this.context.began({ of, pid, startTime, hasOutputs, ...(user === undefined ? {} : { user }) });
  }

  /** Short runs are over before a group of theirs would have paid: what they leave is found by its environment. */
  #groupLater(run: Run, pid: number): void {
    const { cgroups } = this.context;
    if (cgroups === undefined) return;
    if (run.cgroup !== undefined) return run.cgroup.adopt(pid);
    run.groupTimer = setTimeout(() => {
      if (run.pid !== pid) return;
      joinGroup(run, cgroups, pid);
    }, GROUP_AFTER_MS);
  }

  #processEnded(run: Run, end: ProcessEnd): void {
    if (run.awaits !== undefined && !run.stopped) {
      run.awaits.end = end;
      return;
    }
    const pid = run.pid;
    delete run.pid;
    if (run.part?.state === 'coordinating') return this.#coordinationEnded(run, run.part, pid, end);
    if (pid !== undefined && run.stopped) killProcesses(run, pid);
    else if (pid !== undefined && !run.keepsLeftovers) this.context.launcher.sweepGroup(pid);
    const outcome: RunOutcome = {
      startTime: run.startTime,
      endTime: this.context.epoch(),
      ...end,
      ...usageOf(run, end),
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

  /** Takes short outputs along; longer ones are copied to their end first. */
  #end(run: Run, outcome: RunOutcome): void {
    const logs = run.endOfLogs?.();
    delete run.endOfLogs;
    if (logs instanceof Promise) this.#endAfter(run, outcome, logs);
    else run.ended(logs === undefined ? outcome : { ...outcome, logs });
  }

  #endAfter(run: Run, outcome: RunOutcome, logs: Promise<RunOutcome['logs']>): void {
    logs.then(
      () => run.ended(outcome),
      (error: unknown) => this.#failBefore(run, error),
    );
  }

  /** With 0 the part waits, and what its command left running lives on; anything else ends the run. */
  #coordinationEnded(run: Run, part: Part, pid: number | undefined, end: ProcessEnd): void {
    const outcome: RunOutcome = { startTime: run.startTime, endTime: this.context.epoch(), ...end };
    if (pid !== undefined) part.leader = pid;
    if (run.stopped || end.exitCode !== 0) return this.#end(run, outcome);
    part.state = 'waiting';
    part.coordinated(outcome);
  }

  /** Reports in a later turn: the caller of `start…` is still at work. */
  #failBefore(run: Run, error: unknown): void {
    const outcome: RunOutcome = { startTime: run.startTime, endTime: this.context.epoch() };
    if (!(error instanceof Stopped)) {
      outcome.failure = stepFailure(error).toInfo();
      outcome.preProcessing = true;
    }
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
