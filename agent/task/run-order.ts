import { existsSync } from 'node:fs';
import { splitCommandLine } from '../core/command-line.js';
import { LABELS } from '../core/container-arguments.js';
import { asUser, headOf, isPlainText, refusedProgram } from './as-user.js';
import type { ContainerOrder } from './container/containers.js';
import { startFailure } from './container/engine-failure.js';
import type { StepFailure } from './failure.js';
import type { LaunchOrder, ProcessEnd } from './launcher.js';
import { findProgram, launchFailure, mayRun } from './program-file.js';
import type { RunAsContext } from './run-as.js';
import { signalOf, type Run } from './run-record.js';

/** What to start for a run, and the file that is meant by it. */
export interface RunOrder {
  file: string;
  order: LaunchOrder;
}

/** The coordination command of a part that has not coordinated yet, else the task's own. */
const commandLineOf = ({ part, program }: Run) =>
  part?.state === 'coordinating' ? part.multiInstance.coordinationCommandLine : program.commandLine;

const appends = ({ part }: Run) => part?.state === 'proceeded';

/** The order of a run on the node itself; its directory is to be handed over before it is carried out. */
export function hostOrder(run: Run, { setpriv }: RunAsContext): RunOrder {
  const argv = splitCommandLine(commandLineOf(run));
  const workingDirectory = `${run.taskDirectory}/wd`;
  const { user } = run;
  const file = findProgram(argv[0] ?? '', run.environment.PATH ?? '', workingDirectory, user);
  if (user !== undefined && existsSync(file)) {
    if (!mayRun(user, file, workingDirectory)) throw launchFailure(file, 'EACCES');
    if (isPlainText(file)) throw launchFailure(file, 'ENOEXEC');
  }
  const plain: LaunchOrder = {
    file,
    argv,
    environment: run.environment,
    workingDirectory,
    stdoutPath: `${run.taskDirectory}/stdout.txt`,
    stderrPath: `${run.taskDirectory}/stderr.txt`,
    ...(appends(run) ? { appends: true } : {}),
  };
  return { file, order: user === undefined ? plain : asUser(plain, user, setpriv) };
}

/** The same for a container. Elevated tasks are root in it; without users of tasks, all are the agent's own. */
export function containerOrder(run: Run, { users }: RunAsContext): ContainerOrder | undefined {
  const { program, user, taskDirectory, environment, of, containerPool: pool } = run;
  if (program.container === undefined) return undefined;
  const isElevated = user === undefined && users.groups !== undefined;
  const own = isElevated ? 0 : undefined;
  return {
    settings: program.container,
    pool,
    commandLine: commandLineOf(run),
    environment,
    place: {
      workingDirectory: `${taskDirectory}/wd`,
      uid: user?.uid ?? own ?? process.getuid?.() ?? 0,
      gid: user?.gid ?? own ?? process.getgid?.() ?? 0,
      groups: user?.groups ?? [],
    },
    labels:
      of === 'startTask'
        ? { [LABELS.task]: 'starttask' }
        : {
            [LABELS.job]: environment.AZ_BATCH_JOB_ID ?? '',
            [LABELS.task]: of.taskKey,
            [LABELS.attempt]: String(of.attempt),
          },
    stdoutPath: `${taskDirectory}/stdout.txt`,
    stderrPath: `${taskDirectory}/stderr.txt`,
    taskDirectory,
    appends: appends(run),
    signal: signalOf(run),
  };
}

/** What the engine's program says where a container could not be started, before anything of it ran; lines of Podman's log may come first. */
const NOT_STARTED =
  /^(time="[^\n]*\n)*(Error response from daemon: |Error: unable to start container )/;

/** Why the program of a run was never begun although a process ended; undefined: the end is its own. */
export function refusalOf(
  run: Run,
  file: string,
  { exitCode }: ProcessEnd,
): StepFailure | undefined {
  const stderrPath = `${run.taskDirectory}/stderr.txt`;
  const { container } = run.program;
  if (container !== undefined) {
    if (exitCode <= 0 || appends(run)) return undefined;
    const said = headOf(stderrPath, 8192);
    return NOT_STARTED.test(said) ? startFailure(container.imageName, said) : undefined;
  }
  const code = run.user && refusedProgram(exitCode, file, stderrPath);
  return code === undefined ? undefined : launchFailure(file, code);
}
