/**
 * What is wrong with a formula, and where. `syntax`: it can never be evaluated; `evaluation`: not with
 * these values; `samples`: there are too few of them.
 */
export class FormulaError extends Error {
  constructor(
    readonly kind: 'syntax' | 'evaluation' | 'samples',
    /** Characters before the place in the formula. */
    readonly at: number,
    readonly reason: string,
  ) {
    super(reason);
    this.name = 'FormulaError';
  }

  /** `Line 15, Col 44: {reason}`, both from 1, as the service writes it. */
  inText(formula: string): string {
    const lines = formula.slice(0, this.at).split(/\r\n|\r|\n/);
    return `Line ${lines.length}, Col ${(lines.at(-1)?.length ?? 0) + 1}: ${this.reason}`;
  }
}

export const syntaxError = (at: number, reason: string) => new FormulaError('syntax', at, reason);
export const evaluationError = (at: number, reason: string) =>
  new FormulaError('evaluation', at, reason);

/** Text of the formula as an error may show it. */
export const shown = (text: string) => (text.length > 40 ? `${text.slice(0, 40)}…` : text);
