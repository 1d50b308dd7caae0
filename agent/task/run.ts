import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import type { Assignment, NodeConfiguration, Program } from '../../protocol/agent/assignment.js';
import type { AttemptRef } from '../../protocol/agent/message.js';
import { splitCommandLine } from '../core/command-line.js';
import { buildEnvironment, type NodeEnvironment } from '../core/environment.js';
import { attemptId, type RunOutcome } from '../core/output.js';
import { certificatesDirectory, type CertificateViewer } from '../node/certificates.js';
import { createPartDirectory, createTaskDirectory } from '../node/directories.js';
import type { HttpClient } from '../node/http.js';
import type { ApplicationPackages } from './application-packages.js';
import { diskFailure, StepFailure, Stopped } from './failure.js';
import type { Launcher, ProcessEnd } from './launcher.js';
import { uploadOutputFiles } from './output-files.js';
import { findProgram, launchFailure } from './program-file.js';
import { hasDownloads, signalOf, stepFailure, type Part, type Run } from './run-record.js';
import { downloadResourceFiles } from './resource-files.js';
import { killSession, signalGroup } from './session.js';
import type { TransferLimits } from './transfer.js';

/** What all runs on a node share. */
export interface RunnerContext {
  rootDirectory: string;
  /** What the node lends to every process; holds nothing of the agent's own. */
  environment: NodeEnvironment;
  diskBytes: number;
  hasCertificates: () => boolean;
  client: HttpClient;
  packages: ApplicationPackages;
  launcher: Launcher;
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

  constructor(private readonly context: RunnerContext) {}

  startAttempt(
    assignment: Assignment,
    configuration: NodeConfiguration,
    ended: (outcome: RunOutcome) => void,
    coordinated: (outcome: RunOutcome) => void,
  ): void {
    const { directory, multiInstance } = assignment;
    const { rootDirectory } = this.context;
    this.#start(
      attemptId(assignment),
      assignment,
      configuration,
      assignment.outputFiles,
      ended,
      () =>
        multiInstance === undefined
          ? createTaskDirectory(rootDirectory, directory)
          : createPartDirectory(rootDirectory, multiInstance.sharedDirectory, directory),
      multiInstance && { multiInstance, state: 'coordinating', coordinated },
    );
  }

  startStartTask(
    configuration: NodeConfiguration,
    program: Program,
    ended: (outcome: RunOutcome) => void,
  ): void {
    this.#start('startTask', program, configuration, [], ended, () => {
      const directory = `${this.context.rootDirectory}/startup`;
      mkdirSync(`${directory}/wd`, { recursive: true, mode: 0o770 });
      return directory;
    });
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

  /** Runs that have not ended. */
  get size(): number {
    return this.#runs.size;
  }

  #start(
    id: string,
    program: Program,
    configuration: NodeConfiguration,
    outputFiles: Assignment['outputFiles'],
    ended: (outcome: RunOutcome) => void,
    makeDirectory: () => string,
    part?: Part,
  ): void {
    const run: Run = {
      program,
      outputFiles,
      taskDirectory: '',
      environment: {},
      startTime: this.context.epoch(),
      stopped: false,
      keepsLeftovers: id === 'startTask',
      ...(part === undefined ? {} : { part }),
      ended: (outcome) => {
        clearTimeout(run.killTimer);
        if (part?.leader !== undefined) killSession(part.leader);
        this.#runs.delete(id);
        ended(outcome);
      },
    };
    this.#runs.set(id, run);
    try {
      run.taskDirectory = makeDirectory();
      run.environment = this.#environment(
        run,
        configuration,
        id === 'startTask' ? 'starttask' : 'task',
      );
      if (!hasDownloads(run)) return this.#launch(run);
    } catch (error) {
      return this.#failBefore(run, error);
    }
    this.#download(run).then(
      () => this.#launchLater(run),
      (error: unknown) => this.#failBefore(run, error),
    );
  }

  #environment(
    run: Run,
    configuration: NodeConfiguration,
    viewer: CertificateViewer,
  ): Record<string, string> {
    const { rootDirectory, diskBytes, environment } = this.context;
    const { taskDirectory } = run;
    const certificates = `${taskDirectory}/certs`;
    if (this.context.hasCertificates()) {
      if (run.keepsLeftovers) rmSync(certificates, { force: true, recursive: true });
      symlinkSync(certificatesDirectory(rootDirectory, viewer), certificates);
    }
    const places = {
      rootDirectory,
      taskDirectory,
      workingDirectory: `${taskDirectory}/wd`,
      certificatesDirectory: certificates,
      diskBytes,
    };
    return buildEnvironment(environment, configuration, places, run.program);
  }

  async #download(run: Run): Promise<void> {
    const { client, limits, packages } = this.context;
    await packages.deploy(run.program.applicationPackages ?? [], signalOf(run));
    const workingDirectory = `${run.taskDirectory}/wd`;
    const common = run.part?.multiInstance;
    if (common !== undefined)
      await downloadResourceFiles(
        client,
        common.commonResourceFiles,
        `${this.context.rootDirectory}/${common.sharedDirectory}`,
        signalOf(run),
        limits,
      );
    await downloadResourceFiles(
      client,
      run.program.resourceFiles,
      workingDirectory,
      signalOf(run),
      limits,
    );
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
    const order = {
      file,
      argv,
      environment: run.environment,
      workingDirectory,
      stdoutPath: `${run.taskDirectory}/stdout.txt`,
      stderrPath: `${run.taskDirectory}/stderr.txt`,
      ...(part?.state === 'proceeded' ? { appends: true } : {}),
    };
    this.context.launcher.launch(order, {
      started: (pid) => {
        run.pid = pid;
        // Told to stop while it was being started.
        if (run.stopped) killSession(pid);
      },
      failed: (error) => this.#failBefore(run, launchFailure(file, error.code)),
      ended: (end) => this.#processEnded(run, end),
    });
  }

  #processEnded(run: Run, end: ProcessEnd): void {
    const pid = run.pid;
    delete run.pid;
    if (run.part?.state === 'coordinating') return this.#coordinationEnded(run, run.part, pid, end);
    if (pid !== undefined && run.stopped) killSession(pid);
    else if (pid !== undefined && !run.keepsLeftovers) this.context.launcher.sweepGroup(pid);
    const outcome: RunOutcome = { startTime: run.startTime, endTime: this.context.epoch(), ...end };
    if (run.outputFiles.length === 0 || (run.stopped && run.timedOut !== true))
      return run.ended(outcome);
    if (run.timedOut === true) {
      run.stopped = false;
      delete run.abort;
    }
    this.#upload(run, end).then(
      () => run.ended({ ...outcome, endTime: this.context.epoch() }),
      (error: unknown) => run.ended(this.#uploadFailed(outcome, error)),
    );
  }

  /** With 0 the part waits, and what its command left running lives on; anything else ends the run. */
  #coordinationEnded(run: Run, part: Part, pid: number | undefined, end: ProcessEnd): void {
    const outcome: RunOutcome = { startTime: run.startTime, endTime: this.context.epoch(), ...end };
    if (pid !== undefined) part.leader = pid;
    if (run.stopped || end.exitCode !== 0) return run.ended(outcome);
    part.state = 'waiting';
    part.coordinated(outcome);
  }

  #upload(run: Run, end: ProcessEnd): Promise<void> {
    return uploadOutputFiles(run.outputFiles, {
      client: this.context.client,
      taskDirectory: run.taskDirectory,
      environment: run.environment,
      succeeded: end.exitCode === 0 && run.timedOut !== true,
      signal: signalOf(run),
      limits: this.context.limits,
    });
  }

  #uploadFailed(outcome: RunOutcome, error: unknown): RunOutcome {
    const endTime = this.context.epoch();
    if (error instanceof Stopped) return { ...outcome, endTime };
    const failure =
      error instanceof StepFailure
        ? error
        : diskFailure(error, 'FileUploadMiscError', 'The output files could not be uploaded');
    return { ...outcome, endTime, failure: failure.toInfo(), fileUpload: true };
  }

  /** Reports in a later turn: the caller of `start…` is still at work. */
  #failBefore(run: Run, error: unknown): void {
    const outcome: RunOutcome = { startTime: run.startTime, endTime: this.context.epoch() };
    if (!(error instanceof Stopped)) {
      outcome.failure = stepFailure(error).toInfo();
      outcome.preProcessing = true;
    }
    setImmediate(() => run.ended(outcome));
  }

  #killRun(run: Run, graceMs: number): void {
    run.stopped = true;
    run.abort?.abort();
    const { pid, part } = run;
    if (part?.state === 'waiting') {
      part.state = 'proceeded';
      const end = { startTime: run.startTime, endTime: this.context.epoch() };
      setImmediate(() => run.ended(end));
      return;
    }
    if (pid === undefined) return;
    if (graceMs <= 0) return killSession(pid);
    signalGroup(pid, 'SIGTERM');
    run.killTimer ??= setTimeout(() => run.pid !== undefined && killSession(run.pid), graceMs);
  }
}
