/** An answer of the service other than success. The message holds its own text and values, never a request's body. */
export class ServiceError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = 'ServiceError';
  }
}

interface Raised {
  statusCode?: number;
  code?: string;
  message?: unknown;
  body?: unknown;
  details?: unknown;
  request?: { method?: string; url?: string };
  response?: { status?: number; bodyAsText?: string | null };
}

const record = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined);

/** An error of an official client as one of ours. `what` is shown where the client doesn't say what it asked for. */
export function fromClient(error: unknown, what: string, endpoint: string): Error {
  if (error instanceof ServiceError) return error;
  const raised = error as Raised;
  const status = raised.statusCode ?? raised.response?.status;
  if (status === undefined)
    return lostOnTheWay(raised) ? unreachable(error, endpoint) : (error as Error);
  const { code, text, values } = answer(raised);
  const { method, url } = raised.request ?? {};
  const asked =
    method !== undefined && url !== undefined ? `${method} ${new URL(url).pathname}` : what;
  const more = values.length > 0 ? ` (${values.join(', ')})` : '';
  const hint =
    status === 401 || status === 403 ? '; check the admin token, or the account key' : '';
  return new ServiceError(
    status,
    code ?? '',
    `${asked}: ${status}${code ? ` ${code}` : ''}: ${text}${more}${hint}`,
  );
}

function answer(raised: Raised): { code: string | undefined; text: string; values: string[] } {
  const parsed = record(safeJson(raised.response?.bodyAsText) ?? raised.body ?? raised.details);
  // The data plane answers {code, message: {value}, values}, the management plane {error: {code, message}}.
  const body = 'error' in parsed ? record(parsed.error) : parsed;
  const text = [body.message, raised.message].map(messageText).find((found) => found !== undefined);
  const lines = (text ?? '').split('\n').filter((line) => !/^(RequestId|Time):/.test(line));
  const values = (Array.isArray(body.values) ? body.values : [])
    .map(record)
    .map((item) => `${String(item.key)}: ${String(item.value)}`);
  return { code: textOf(body.code) ?? raised.code, text: lines.join(' ').trim(), values };
}

/** A text, or the data plane's `{lang, value}`, which its client puts into the error's message as well. */
const messageText = (message: unknown) => textOf(message) ?? textOf(record(message).value);

function safeJson(text: string | null | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    // A proxy's page, or nothing: the status has to do.
    return undefined;
  }
}

/** A system error or the clients' own code for one; anything else was raised before a request was sent. */
const lostOnTheWay = ({ code = '' }: Raised) =>
  /^(E[A-Z_]+|REQUEST_SEND_ERROR|UND_ERR.*|.*CERT.*|.*SIGNATURE.*)$/.test(code);

export const UNREACHABLE = 'Unreachable';

function unreachable(error: unknown, endpoint: string): Error {
  const { code } = error as { code?: string };
  const reason = error instanceof Error ? error.message : String(error);
  const ours = new Error(
    `the controller at ${endpoint} can't be reached: ${reason}; is it running, and is batchyard:endpoint right?`,
    { cause: error },
  );
  const tls =
    /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(`${code ?? ''} ${reason}`) ||
    /certificate/i.test(reason);
  if (tls)
    ours.message = `the controller at ${endpoint} isn't trusted: ${reason}; set batchyard:caFile to its ca.pem`;
  return Object.assign(ours, { code: tls ? 'Untrusted' : UNREACHABLE });
}
