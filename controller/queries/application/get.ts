import { BatchError } from '../../../protocol/batch/errors.js';
import type { GetInput } from '../context.js';

/** Application_Get: no account has application packages yet. @throws BatchError ApplicationNotFound */
export const applicationGet = (
  _context: object,
  _input: GetInput & { applicationId: string },
): Promise<{ body: object }> => Promise.reject(new BatchError('ApplicationNotFound'));
