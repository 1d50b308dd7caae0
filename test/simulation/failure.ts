/**
 * crash      the controller broke a promise of its own or threw where it must not
 * safety     a checker saw what must never be
 * liveness   something that can end did not, long after the faults had stopped
 */
export type FailureKind = 'crash' | 'safety' | 'liveness';

/** The process' exit code for each kind. */
export const EXIT_CODES: Record<FailureKind, number> = { crash: 3, safety: 4, liveness: 5 };

/** Ends a run: what went wrong, and which checker saw it. */
export class SimulationFailure extends Error {
  constructor(
    readonly kind: FailureKind,
    readonly checker: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(`${checker}: ${message}`, options);
    this.name = 'SimulationFailure';
  }
}

/** A checker's assertion. */
export function check(holds: boolean, checker: string, message: () => string): asserts holds {
  if (!holds) throw new SimulationFailure('safety', checker, message());
}
