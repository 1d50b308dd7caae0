import { readFileSync } from 'node:fs';

/** What `pulumi config` or the environment says about the controller. */
export interface Settings {
  endpoint?: string;
  adminToken?: string;
  caFile?: string;
}

/** A connection that is complete enough to try. */
export interface Connection {
  /** http or https, without a trailing slash. */
  endpoint: string;
  /** Of the management plane; without it only accounts with `accountKey` can be used. */
  adminToken: string | undefined;
  /** Of the data plane; without it the account's own is asked for. */
  accountKey: string | undefined;
  /** PEM of the certificate authority that signed the controller's certificate. */
  ca: string | undefined;
}

const KEYS = {
  endpoint: 'BATCHYARD_ENDPOINT',
  adminToken: 'BATCHYARD_ADMIN_TOKEN',
  caFile: 'BATCHYARD_CA_FILE',
} as const;
const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined);

/**
 * The resource's own `connection` first, then the stack's configuration, then the environment.
 * @throws Error that names what is missing and the three places to give it
 */
export function connectionOf(
  explicit: unknown,
  configured: Settings,
  environment: NodeJS.ProcessEnv,
): Connection {
  const own = (typeof explicit === 'object' && explicit !== null ? explicit : {}) as Record<
    string,
    unknown
  >;
  const find = (key: keyof typeof KEYS) =>
    text(own[key]) ?? text(configured[key]) ?? text(environment[KEYS[key]]);
  const endpoint = find('endpoint')?.replace(/\/+$/, '');
  if (endpoint === undefined)
    throw new Error(
      'no controller: set batchyard:endpoint (pulumi config), BATCHYARD_ENDPOINT or connection.endpoint, such as http://127.0.0.1:8480',
    );
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol) || url.pathname !== '/')
    throw new Error(
      `endpoint ${endpoint} must be an http or https address without a path, such as http://127.0.0.1:8480`,
    );
  return {
    endpoint,
    adminToken: find('adminToken'),
    accountKey: text(own.accountKey),
    ca: caOf(find('caFile')),
  };
}

function caOf(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(`caFile ${path} can't be read: ${(error as Error).message}`, { cause: error });
  }
}
