import { LIMITS } from '../../../protocol/batch/limits.js';
import { BatchError, invalidPropertyValue } from '../../../protocol/batch/errors.js';
import { durationMs, formatDuration } from '../../../protocol/time.js';
import { FormulaError } from '../autoscale/formula-error.js';
import { parseFormula } from '../autoscale/parser.js';
import type { Settings } from '../settings.js';

interface AutoScaleSettings {
  autoScaleFormula?: string | undefined;
  autoScaleEvaluationInterval?: string | undefined;
}

/**
 * Refuses a formula that can never be evaluated, and an interval below the controller's minimum.
 * @throws BatchError AutoScalingFormulaSyntaxError, AutoScalingFormulaTooLong, InvalidPropertyValue
 */
export function checkAutoScale(
  settings: Settings,
  { autoScaleFormula, autoScaleEvaluationInterval }: AutoScaleSettings,
): void {
  const minimum = settings.autoScaleMinimumIntervalMs;
  if (
    autoScaleEvaluationInterval !== undefined &&
    durationMs(autoScaleEvaluationInterval) < minimum
  )
    throw invalidPropertyValue(
      'autoScaleEvaluationInterval',
      autoScaleEvaluationInterval,
      `allowed are ${formatDuration(minimum)} to ${formatDuration(LIMITS.autoScaleIntervalMaximumMs)}`,
    );
  if (autoScaleFormula !== undefined) checkFormula(autoScaleFormula);
}

function checkFormula(formula: string): void {
  try {
    parseFormula(formula);
  } catch (error) {
    if (!(error instanceof FormulaError)) throw error;
    const reason = error.inText(formula);
    throw new BatchError(
      'AutoScalingFormulaSyntaxError',
      [
        { key: 'PropertyName', value: 'autoScaleFormula' },
        { key: 'Reason', value: reason },
      ],
      `The specified autoscale formula has a syntax error. ${reason}`,
    );
  }
}
