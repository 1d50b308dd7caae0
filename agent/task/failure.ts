import type { FailureInfo } from '../../protocol/agent/event.js';

/** A step that ended a try: what the contract's section 2.4 calls it, and whether the process had begun. */
export class StepFailure extends Error {
  constructor(
    readonly code: string,
    readonly category: FailureInfo['category'],
    message: string,
    readonly details: FailureInfo['details'] = [],
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'StepFailure';
  }

  toInfo(): FailureInfo {
    const { category, code, message, details } = this;
    return { category, code, message, details };
  }
}

/** The caller stopped the step; the try's end is named by whoever stopped it. */
export class Stopped extends Error {
  constructor() {
    super('stopped');
    this.name = 'Stopped';
  }
}

/** The code of a Node system error, or an empty text. */
export function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : '';
}

/** Full disks have a code of their own whatever was being written. */
export function diskFailure(error: unknown, code: string, what: string): StepFailure {
  const full = systemCode(error) === 'ENOSPC' || systemCode(error) === 'EDQUOT';
  const text = error instanceof Error ? error.message : String(error);
  return new StepFailure(full ? 'DiskFull' : code, 'servererror', `${what}: ${text}`, [], {
    cause: error,
  });
}
