import type { Properties } from './json.js';

/** The service's error code, or undefined for a failure that is not an answer of the service. */
function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  const status = (error as { status?: unknown } | undefined)?.status;
  return typeof code === 'string' && typeof status === 'number' ? code : undefined;
}

export const isCode = (error: unknown, ...codes: string[]): boolean =>
  codes.includes(codeOf(error) ?? '');

export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/**
 * The object exists but did not become what was asked for. Pulumi keeps it in its state with the
 * reasons, and the next `pulumi up` calls update even where no property changed.
 */
export class Incomplete extends Error {
  readonly reasons: string[];
  constructor(
    readonly id: string,
    readonly properties: Properties,
    reason: string,
  ) {
    super(reason);
    this.name = 'Incomplete';
    this.reasons = [reason];
  }
}

/** Runs one step about a resource and puts the resource's name in front of what goes wrong. */
export async function about<Result>(what: string, step: () => Promise<Result>): Promise<Result> {
  try {
    return await step();
  } catch (error) {
    if (messageOf(error).startsWith(what)) throw error;
    const message = `${what}: ${messageOf(error)}`;
    if (error instanceof Incomplete) throw new Incomplete(error.id, error.properties, message);
    throw Object.assign(new Error(message), {
      code: codeOf(error),
      status: (error as { status?: unknown }).status,
    });
  }
}

/**
 * Runs what follows once an object exists. What goes wrong from here on leaves it in Pulumi's state, so
 * that the next `pulumi up` mends it and `pulumi destroy` removes it: nothing is orphaned.
 * @param properties the outputs as far as they were reached when it went wrong
 */
export async function onceMade<Result>(
  id: string,
  properties: () => Properties,
  step: () => Promise<Result>,
): Promise<Result> {
  try {
    return await step();
  } catch (error) {
    if (error instanceof Incomplete) throw error;
    throw new Incomplete(id, properties(), messageOf(error));
  }
}
