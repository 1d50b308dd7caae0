import type {
  Assignment,
  ContainerPool,
  MultiInstance,
  NodeConfiguration,
  Program,
} from '../../protocol/agent/assignment.js';
import type { AttemptRef } from '../../protocol/agent/message.js';
import { CommandLineError } from '../core/command-line.js';
import { ContainerEnvironmentError } from '../core/container-arguments.js';
import { EnvironmentError } from '../core/environment.js';
import type { RunOutcome } from '../core/output.js';
import { UnknownUser, type RunUser } from '../node/users.js';
import type { Cgroups, RunCgroup, Usage } from './cgroup.js';
import type { ProcessEnd } from './launcher.js';
import type { LogCopies, LogOf } from './log-copies.js';
import { diskFailure, StepFailure, Stopped } from './failure.js';
import { killSession } from './session.js';

/** A run that is one part of a multi-instance task. */
export interface Part {
  readonly multiInstance: MultiInstance;
  /** `coordinating`, downloads included; `waiting` for word to proceed or to stop; `proceeded`. */
  state: 'coordinating' | 'waiting' | 'proceeded';
  /** Leader of the session in which the coordination command ran: what it left lives until the run ends. */
  leader?: number;
  coordinated: (outcome: RunOutcome) => void;
}

/** One run of a task's program, or of the start task's. */
export interface Run {
  program: Program;
  outputFiles: Assignment['outputFiles'];
  taskDirectory: string;
  environment: Record<string, string>;
  /** Absent: the agent's own. */
  user?: RunUser;
  /** Of a job preparation task: other tasks of the node may read its directory. */
  isReadable: boolean;
  startTime: number;
  /** Set while a process runs. */
  pid?: number;
  /** When it was begun at the earliest and latest, by the monotonic clock. */
  between?: [number, number];
  /** Of all its processes. */
  cgroup?: RunCgroup;
  groupTimer?: NodeJS.Timeout;
  hadProcess?: boolean;
  /** What the pool says of containers; absent: it takes none. */
  containerPool?: ContainerPool;
  /** Id of the container that the process is attached to. */
  container?: string;
  isContainerGone?: boolean;
  stopped: boolean;
  /** Killed because the disk was full of what it wrote. */
  filledDisk?: boolean;
  /** Killed because its time was over: what it wrote is uploaded still. */
  timedOut?: boolean;
  /** Made where something is transferred. */
  abort?: AbortController;
  killTimer?: NodeJS.Timeout;
  /** Leftover processes of a start task live on: it may start services of the node. */
  keepsLeftovers: boolean;
  part?: Part;
  /** Whose run it is: names its logs. */
  of: AttemptRef | 'startTask';
  /** Of a start task: which run of it, in this boot of the node. */
  startTaskRun?: number;
  /** Its outputs never travel with its end: the controller keeps the ends of plain tasks only. */
  logsApart: boolean;
  /** Of the present process; its outputs are being copied until then. */
  endOfLogs?: ReturnType<LogCopies['watch']>;
  /** Begun by an earlier process of this agent: its end waits here for what it needs of its assignment. */
  awaits?: { end?: ProcessEnd; proceeds?: true };
  ended: (outcome: RunOutcome) => void;
}

/** A run that has not begun. */
export const newRun = (
  of: AttemptRef | 'startTask',
  program: Program | Assignment,
  { containers }: NodeConfiguration,
  startTime: number,
  own: Pick<Run, 'outputFiles' | 'part' | 'startTaskRun' | 'isReadable' | 'ended'>,
): Run => ({
  of: of === 'startTask' ? of : { taskKey: of.taskKey, attempt: of.attempt },
  program,
  taskDirectory: '',
  environment: {},
  startTime,
  stopped: false,
  keepsLeftovers: of === 'startTask',
  logsApart:
    of === 'startTask' ||
    (own.part?.multiInstance.subtaskId ?? 0) > 0 ||
    ('requiredSlots' in program && program.requiredSlots === 0),
  ...(containers === undefined ? {} : { containerPool: containers }),
  ...own,
});

/** Its process is there; it was asked for at `from`. */
export function processBegan(run: Run, pid: number, from: number): void {
  run.pid = pid;
  run.between = [from, performance.now()];
  run.hadProcess = true;
}

/** What is told of a run whose process has begun; a part that waits has none. */
export type BegunRun = Pick<
  Run,
  'of' | 'startTime' | 'user' | 'container' | 'logsApart' | 'startTaskRun' | 'between'
> & {
  pid?: number;
  hasOutputs: boolean;
  part?: Pick<Part, 'state' | 'leader'> &
    Pick<MultiInstance, 'subtaskId' | 'sharedDirectory'> & { group?: string };
};

export function begunRun(run: Run): BegunRun {
  const { of, pid, startTime, user, outputFiles, container, part, cgroup, startTaskRun } = run;
  const { between } = run;
  return {
    of,
    startTime,
    hasOutputs: outputFiles.length > 0,
    logsApart: run.logsApart,
    ...(pid === undefined ? {} : { pid }),
    ...(between === undefined || pid === undefined ? {} : { between }),
    ...(user === undefined ? {} : { user }),
    ...(container === undefined ? {} : { container }),
    ...(startTaskRun === undefined ? {} : { startTaskRun }),
    ...(part === undefined ? {} : { part: begunPart(part, cgroup) }),
  };
}

const begunPart = ({ state, leader, multiInstance }: Part, cgroup: RunCgroup | undefined) => ({
  state,
  subtaskId: multiInstance.subtaskId,
  sharedDirectory: multiInstance.sharedDirectory,
  ...(leader === undefined ? {} : { leader }),
  ...(cgroup === undefined ? {} : { group: cgroup.path }),
});

/** What an earlier process of this agent did not write down of a part is not needed, or comes again. */
const adoptedPart = (
  { state, leader, subtaskId, sharedDirectory }: NonNullable<BegunRun['part']>,
  coordinated: Part['coordinated'],
): Part => ({
  multiInstance: {
    subtaskId,
    sharedDirectory,
    coordinationCommandLine: '',
    commonResourceFiles: [],
    hosts: [],
    coresPerHost: 1,
  },
  state,
  ...(leader === undefined ? {} : { leader }),
  coordinated,
});

/** A run that an earlier process of this agent began, as far as its end needs it. */
export const adoptedRun = (
  { of, pid, startTime, user, hasOutputs, container, part, logsApart, startTaskRun }: BegunRun,
  taskDirectory: string,
  environment: Record<string, string>,
  { ended, coordinated }: Pick<Run, 'ended'> & Pick<Part, 'coordinated'>,
): Run => ({
  of,
  startTime,
  program: { commandLine: '', environmentSettings: [], resourceFiles: [] },
  outputFiles: [],
  taskDirectory,
  environment,
  stopped: false,
  hadProcess: true,
  keepsLeftovers: of === 'startTask',
  isReadable: false,
  logsApart,
  ...(pid === undefined ? {} : { pid }),
  ...(user === undefined ? {} : { user }),
  ...(container === undefined ? {} : { container }),
  ...(startTaskRun === undefined ? {} : { startTaskRun }),
  ...(part === undefined ? {} : { part: adoptedPart(part, coordinated) }),
  ...(hasOutputs || (part?.subtaskId === 0 && part.state !== 'proceeded') ? { awaits: {} } : {}),
  ended,
});

/** Gives a run a control group, where the system grants one. */
export function joinGroup(run: Run, cgroups: Cgroups, pid: number): void {
  const group = cgroups.create();
  if (group === undefined) return;
  run.cgroup = group;
  group.adopt(pid);
}

/** Kills all that a run has started: by its group where it has one, and by its session in any case. */
export function killProcesses(run: Run, leader: number): void {
  run.cgroup?.kill();
  killSession(leader);
}

/**
 * What else is told of an end. The group counts what the leader never waited for; the leader, what was
 * before the group. Of a container nothing is counted: the process is the engine's program.
 */
export function factsOf(
  run: Run,
  end: ProcessEnd,
): (Partial<Usage> & Pick<RunOutcome, 'containerInfo'>) | undefined {
  if (run.container !== undefined)
    return { ...containerFacts(run), userCpuMs: undefined, kernelCpuMs: undefined };
  if (run.cgroup === undefined) return undefined;
  const usage = run.cgroup.usage();
  return {
    ...usage,
    userCpuMs: Math.max(usage.userCpuMs, end.userCpuMs ?? 0),
    kernelCpuMs: Math.max(usage.kernelCpuMs, end.kernelCpuMs ?? 0),
  };
}

/** The engine has removed it by now: it told its exit code, or why it could not be started. */
const containerFacts = ({ container }: Run, error?: string): Pick<RunOutcome, 'containerInfo'> =>
  container === undefined
    ? {}
    : {
        containerInfo: {
          containerId: container,
          state: 'exited',
          ...(error === undefined ? {} : { error }),
        },
      };

export function hasDownloads({ program, part }: Run): boolean {
  const common = part?.multiInstance.commonResourceFiles.length ?? 0;
  return program.resourceFiles.length + (program.applicationPackages?.length ?? 0) + common > 0;
}

/** Whose log it is. */
export const logOf = ({ of, startTaskRun = 0 }: Run): LogOf =>
  of === 'startTask' ? { startTaskRun } : of;

/** What a run comes to that failed, or was stopped, before its process or between two of them. */
export function failedOutcome(run: Run, error: unknown, endTime: number): RunOutcome {
  const outcome: RunOutcome = { startTime: run.startTime, endTime };
  if (error instanceof Stopped) return outcome;
  const failure = stepFailure(error).toInfo();
  return { ...outcome, failure, preProcessing: true, ...containerFacts(run, failure.message) };
}

/** What stops the transfers of a run. */
export function signalOf(run: Run): AbortSignal {
  run.abort ??= new AbortController();
  if (run.stopped) run.abort.abort();
  return run.abort.signal;
}

function stepFailure(error: unknown): StepFailure {
  if (error instanceof StepFailure) return error;
  const isOfTask =
    error instanceof CommandLineError ||
    error instanceof EnvironmentError ||
    error instanceof ContainerEnvironmentError ||
    error instanceof UnknownUser;
  if (isOfTask) {
    return new StepFailure('CommandLaunchFailed', 'usererror', error.message, [], { cause: error });
  }
  return diskFailure(
    error,
    'ResourceDirectoryCreateFailed',
    "The task's directory could not be prepared",
  );
}
