import * as z from 'zod';

/** Why a task, start task or special task failed; codes are those of `errors.ts`, section 2.4 of the contract. */
export const FailureInfo = z.object({
  category: z.enum(['usererror', 'servererror']),
  code: z.string(),
  message: z.string(),
  details: z.array(z.object({ name: z.string(), value: z.string() })),
});
export type FailureInfo = z.infer<typeof FailureInfo>;

/** The message of a failure TaskEnded by which its reason is known again: `maxWallClockTime` was over. */
export const RAN_TOO_LONG = 'The task ran longer than its maximum wall-clock time and was ended.';

/** The container that a try ran in. */
export const ContainerInfo = z.object({
  containerId: z.string(),
  /** As the engine names it. */
  state: z.string(),
  error: z.string().optional(),
});
export type ContainerInfo = z.infer<typeof ContainerInfo>;

/** Outputs up to this size travel with the end of their try. */
export const INLINE_LOG_BYTES_MAX = 4096;
/** The same in base64. */
const LOG_TEXT_MAX = 4 * Math.ceil(INLINE_LOG_BYTES_MAX / 3);

/** Times are epoch milliseconds by the node's clock. */
export const Outcome = z.object({
  /** Absent where the try never began (stopped while it waited for a slot). */
  startTime: z.number().optional(),
  endTime: z.number(),
  /** As the process gave it; minus the signal's number for a death by signal; absent where no process ran. */
  exitCode: z.int().optional(),
  /** Pre-processing, upload, wall-clock and launch failures. A plain nonzero exit has none: the controller names it. */
  failure: FailureInfo.optional(),
  /** The failure came before the process (downloads, launch): it is not retried. */
  preProcessing: z.boolean().optional(),
  /** The failure is one of uploading output files. */
  fileUpload: z.boolean().optional(),
  /** The try was ended because the controller or the lease said so. */
  stopped: z.boolean().optional(),
  containerInfo: ContainerInfo.optional(),
  userCpuMs: z.number().optional(),
  kernelCpuMs: z.number().optional(),
  /** Where the node counts them: by all processes of the run together. */
  memoryPeakBytes: z.number().optional(),
  readBytes: z.number().optional(),
  writeBytes: z.number().optional(),
  readOps: z.number().optional(),
  writeOps: z.number().optional(),
  /** What the try wrote, base64, where it is short and something: longer outputs are sent apart. */
  logs: z
    .object({
      stdout: z.string().max(LOG_TEXT_MAX).optional(),
      stderr: z.string().max(LOG_TEXT_MAX).optional(),
    })
    .optional(),
});
export type Outcome = z.infer<typeof Outcome>;

const attempt = { taskKey: z.string(), attempt: z.int().min(1) };

/** Facts that an agent reports; each is numbered, kept until acknowledged, and sent again after a lost link. */
export const AgentEvent = z.discriminatedUnion('type', [
  /** Directories, certificates and application packages are in place; no start task, or it is about to run. */
  z.object({ type: z.literal('nodePrepared') }),
  z.object({
    type: z.literal('nodeUnusable'),
    code: z.string(),
    message: z.string(),
    details: FailureInfo.shape.details.optional(),
  }),
  z.object({ type: z.literal('startTaskStarted'), startTime: z.number(), retryCount: z.int() }),
  /** Each run of the start task; the last one (`final`) decides the node's state. */
  z.object({
    type: z.literal('startTaskEnded'),
    retryCount: z.int(),
    final: z.boolean(),
    outcome: Outcome,
  }),
  /** The try left the agent's queue: downloads begin. Left out when the try ended in the same batch. */
  z.object({ type: z.literal('attemptStarted'), ...attempt, startTime: z.number() }),
  z.object({ type: z.literal('attemptEnded'), ...attempt, outcome: Outcome }),
  /**
   * The coordination command of a part of a multi-instance task exited with 0: the primary waits for
   * `proceed`, a subtask keeps what its command left running until it is told to stop.
   */
  z.object({ type: z.literal('attemptCoordinated'), ...attempt, outcome: Outcome }),
  /** Handed back unstarted: it waited for a slot too long. It never ran. */
  z.object({ type: z.literal('attemptReturned'), ...attempt }),
]);
export type AgentEvent = z.infer<typeof AgentEvent>;

/** `sequence` starts at 1 for each incarnation and grows by 1. */
export const SequencedEvent = z.object({ sequence: z.int().min(1), event: AgentEvent });
export type SequencedEvent = z.infer<typeof SequencedEvent>;
