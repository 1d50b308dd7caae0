/** How commands reach a running controller: its management plane, with the admin token. */
const LOCATION =
  '/subscriptions/00000000-0000-0000-0000-000000000000/providers/Microsoft.Batch/locations/local';
const API_VERSION = '2022-10-01';
const ANSWER_TIMEOUT_MS = 30_000;

export interface ConnectionOptions {
  endpoint?: string;
}

/** What the user can put right: told in one line, without a stack. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/**
 * One request of the management plane below the location.
 * @throws CommandError where the controller can't be reached, refuses, or no token is given
 */
export async function manage(
  { endpoint = process.env['BATCHYARD_ENDPOINT'] ?? 'http://127.0.0.1:8480' }: ConnectionOptions,
  method: 'GET' | 'PATCH',
  path: string,
  body?: object,
): Promise<unknown> {
  const token = process.env['BATCHYARD_ADMIN_TOKEN'];
  if (token === undefined)
    throw new CommandError(
      'no admin token: put it into the environment as BATCHYARD_ADMIN_TOKEN (the controller keeps it in DATA/admin-token)',
    );
  const url = `${endpoint.replace(/\/+$/, '')}${LOCATION}${path}?api-version=${API_VERSION}`;
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    text = await response.text();
  } catch (error) {
    const { cause } = error as { cause?: unknown };
    const words = cause instanceof Error ? cause.message : String(error);
    throw new CommandError(
      `no controller answers at ${endpoint}: ${words}; name another with --endpoint or BATCHYARD_ENDPOINT`,
      { cause: error },
    );
  }
  if (response.ok) return JSON.parse(text);
  throw new CommandError(refusalOf(text) ?? `the controller answered ${String(response.status)}`);
}

function refusalOf(text: string): string | undefined {
  try {
    const { error } = JSON.parse(text) as { error?: { code?: string; message?: string } };
    return error?.message === undefined
      ? undefined
      : `${error.code ?? 'refused'}: ${error.message}`;
  } catch {
    // Not a controller's answer: its status has to do.
    return undefined;
  }
}
