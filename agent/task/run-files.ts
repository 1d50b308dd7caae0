import type { RunOutcome } from '../core/output.js';
import type { HttpClient } from '../node/http.js';
import type { Users } from '../node/users.js';
import type { ApplicationPackages } from './application-packages.js';
import { diskFailure, StepFailure, Stopped } from './failure.js';
import type { ProcessEnd } from './launcher.js';
import { uploadOutputFiles } from './output-files.js';
import { createIncoming, deliver } from './ownership.js';
import { downloadResourceFiles } from './resource-files.js';
import { signalOf, type Run } from './run-record.js';
import type { TransferLimits } from './transfer.js';

/** What of a node the files of its runs go through. */
interface TransferContext {
  rootDirectory: string;
  client: HttpClient;
  packages: ApplicationPackages;
  users: Users;
  setpriv: string;
  limits: TransferLimits;
}

/** Packages and resource files, in this order, to where the run finds them. @throws StepFailure, Stopped */
export async function downloadInputs(run: Run, context: TransferContext): Promise<void> {
  const { client, limits, packages } = context;
  await packages.deploy(run.program.applicationPackages ?? [], signalOf(run));
  const workingDirectory = `${run.taskDirectory}/wd`;
  const common = run.part?.multiInstance;
  if (common !== undefined)
    await downloadResourceFiles(
      client,
      common.commonResourceFiles,
      `${context.rootDirectory}/${common.sharedDirectory}`,
      signalOf(run),
      limits,
    );
  const { rootDirectory, users, setpriv } = context;
  // A directory that the user has had before is the user's to write to, not root's.
  const owner = run.keepsLeftovers && users.groups !== undefined ? run.user : undefined;
  const target = owner === undefined ? workingDirectory : createIncoming(rootDirectory);
  await downloadResourceFiles(client, run.program.resourceFiles, target, signalOf(run), limits);
  if (owner !== undefined)
    await deliver(target, workingDirectory, owner, users.groups?.node ?? owner.gid, setpriv);
}

/** Those of the output files whose condition fits the end. @throws StepFailure, Stopped */
export function uploadOutputs(run: Run, end: ProcessEnd, context: TransferContext): Promise<void> {
  return uploadOutputFiles(run.outputFiles, {
    client: context.client,
    taskDirectory: run.taskDirectory,
    user: run.user,
    environment: run.environment,
    succeeded: end.exitCode === 0 && run.timedOut !== true,
    signal: signalOf(run),
    limits: context.limits,
  });
}

/** The outcome of a run whose output files were not uploaded. */
export function uploadFailed(outcome: RunOutcome, error: unknown, endTime: number): RunOutcome {
  if (error instanceof Stopped) return { ...outcome, endTime };
  const failure =
    error instanceof StepFailure
      ? error
      : diskFailure(error, 'FileUploadMiscError', 'The output files could not be uploaded');
  return { ...outcome, endTime, failure: failure.toInfo(), fileUpload: true };
}
