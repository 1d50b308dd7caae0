import type { Event } from '../../core/event.js';
import type { KeptLog } from '../../core/task/history.js';
import type { Job } from '../../core/job/state.js';
import type { Task } from '../../core/task/state.js';
import { DEFAULTS } from '../../../protocol/batch/limits.js';
import { isOfSpecialTask, isOfStartTask, jobOf } from '../../../protocol/keys.js';
import type { SpecialRunsKey } from '../../../protocol/keys.js';
import { durationMs } from '../../../protocol/time.js';
import type { StateView } from '../../engine/ports.js';
import type { Reader } from '../../engine/reader.js';
import type { Log } from '../log.js';
import { folderOf, LOGS_CONTAINER } from './kept-logs.js';
import type { ObjectStore } from './object-store.js';

const SWEEP_MS = 5_000;
const LOGS_A_SWEEP = 200;
/** Of a log that stays for now: when to look again at the latest. */
const LOOK_AGAIN_MS = 3_600_000;

export interface LogSweepPorts {
  objects: ObjectStore;
  reader: Reader;
  view(): StateView;
  report(event: Event): void;
  now(): number;
  log: Log;
}

/** Deletes logs whose task is gone or whose retention time is over; cost in proportion to those due. */
export class LogSweep {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;

  constructor(private readonly ports: LogSweepPorts) {}

  start(): void {
    this.timer = setInterval(() => {
      this.running ??= this.sweep()
        .catch((error: unknown) => {
          this.ports.log.warn({ err: error }, 'old logs could not be deleted now');
        })
        .finally(() => {
          this.running = undefined;
        });
    }, SWEEP_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.running;
  }

  private async sweep(): Promise<void> {
    const { reader } = this.ports;
    const now = this.ports.now();
    if (await reader.hasExpiredLogs(now)) this.ports.report({ type: 'logsExpired', at: now });
    const due = await reader.keptLogsDue(now, LOGS_A_SWEEP);
    const stay: KeptLog[] = [];
    const gone: string[] = [];
    for (const log of due) {
      const expiry = await this.expiryOf(log);
      if (expiry <= now) {
        await this.delete(log.blob);
        gone.push(log.blob);
      } else stay.push({ ...log, lookAt: Math.min(expiry, now + LOOK_AGAIN_MS) });
    }
    if (due.length > 0) this.ports.report({ type: 'logsSwept', stay, gone });
  }

  /** Epoch milliseconds; infinity while nothing ends it. */
  private async expiryOf({ blob, owner, lookAt }: KeptLog): Promise<number> {
    if (isOfStartTask(owner)) return lookAt;
    const job = this.ports.view().jobs.get(jobOf(owner));
    const path = blob.split('/').slice(2);
    if (job === undefined || !path.join('/').startsWith(`${folderOf(job)}/`))
      return Number.NEGATIVE_INFINITY;
    // `tasks/{job}/{task or special runs}/{attempt}/…`
    const attempt = Number(path[3]);
    if (isOfSpecialTask(owner)) return this.expiryOfRun(job, owner, attempt);
    const task = this.ports.view().task(owner) ?? (await this.ports.reader.get('task', owner));
    if (task === undefined) return Number.NEGATIVE_INFINITY;
    return (await this.endOf(task, attempt)) + (task.retentionTimeMs ?? Infinity);
  }

  private async expiryOfRun(job: Job, runs: SpecialRunsKey, attempt: number): Promise<number> {
    const { jobPreparationTask, jobReleaseTask } = job.specification;
    const { retentionTime } = (runs.endsWith(':release')
      ? jobReleaseTask
      : jobPreparationTask?.constraints) ?? { retentionTime: DEFAULTS.retentionTime };
    const [run] = await this.ports.reader.attempts(runs, attempt - 1, 1);
    return run?.number === attempt
      ? (run.endTime ?? Infinity) + durationMs(retentionTime)
      : Number.NEGATIVE_INFINITY;
  }

  private async endOf(task: Readonly<Task>, attempt: number): Promise<number> {
    if (attempt === task.attempt)
      return task.state === 'completed' ? (task.execution.endTime ?? Infinity) : Infinity;
    const [past] = await this.ports.reader.attempts(task.key, attempt - 1, 1);
    return (past?.number === attempt ? past.endTime : undefined) ?? task.stateTransitionTime;
  }

  private async delete(name: string): Promise<void> {
    const [account = '', , ...blob] = name.split('/');
    await this.ports.objects.delete({
      account,
      container: LOGS_CONTAINER,
      blob: blob.join('/'),
    });
  }
}
