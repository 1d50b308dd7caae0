import { BlobRefused } from '../object-store.js';
import { ObjectStoreFailure } from '../store-failure.js';

/** The service's codes that are refusals of ours as well. */
const REFUSALS: Record<string, BlobRefused['code']> = {
  BlobAlreadyExists: 'BlobAlreadyExists',
  ConditionNotMet: 'ConditionNotMet',
  ContainerBeingDeleted: 'ContainerBeingDeleted',
  InvalidResourceName: 'InvalidResourceName',
};

/** Runs one request; a failure comes out in our words, without the request that it carries. */
export async function withOurWords<T>(subject: string, request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    throw translated(subject, error);
  }
}

function translated(subject: string, error: unknown): unknown {
  if (!(error instanceof Error) || error.name !== 'RestError') return error;
  const { statusCode, code } = error as { statusCode?: number; code?: string };
  const firstLine = error.message.split('\n', 1)[0] ?? '';
  const refusal = code === undefined ? undefined : REFUSALS[code];
  if (refusal !== undefined) return new BlobRefused(refusal, firstLine);
  const text = `Azure Blob, ${subject}: ${code ?? error.name}: ${firstLine}`;
  return new ObjectStoreFailure(text, statusCode, code);
}
