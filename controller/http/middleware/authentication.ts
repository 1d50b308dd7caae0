import type { Context, Middleware } from 'koa';
import { BatchError } from '../../../protocol/batch/errors.js';
import { accountKey, accountOf } from '../../../protocol/keys.js';
import type { Account } from '../../core/account/state.js';
import type { HttpPorts } from '../ports.js';
import type { Scheme } from '../shared-key.js';
import { isSignedBy } from '../shared-key.js';

const SKEW_MS = 15 * 60_000;
const KEPT_KEYS = 1000;
const SHARED_KEY = /^(SharedKey|SharedKeyLite) +([^:\s]+):([A-Za-z0-9+/]+={0,2})$/i;
const BEARER = /^Bearer +([\x21-\x7e]+)$/i;
/** Signs for accounts that don't exist, so that they take as long as those that do. */
const NO_KEYS = [Buffer.alloc(64), Buffer.alloc(64)];

/** Opened account keys, by their sealed text: a renewed key has another one. */
function openedKeys(ports: HttpPorts) {
  const opened = new Map<string, Buffer>();
  const open = (sealed: string): Buffer => {
    let key = opened.get(sealed);
    if (key === undefined) {
      key = Buffer.from(ports.keys.open(sealed), 'base64');
      if (opened.size >= KEPT_KEYS) opened.clear();
      opened.set(sealed, key);
    }
    return key;
  };
  return (account: Readonly<Account> | undefined): readonly Buffer[] =>
    account === undefined
      ? NO_KEYS
      : [open(account.sealedKeys.primary), open(account.sealedKeys.secondary)];
}

const refused = (reason: string) =>
  new BatchError('AuthenticationFailed', [{ key: 'AuthenticationErrorDetail', value: reason }]);

function checkDate(context: Context, now: number): void {
  const text = context.get('ocp-date') || context.get('date');
  if (text === '') throw refused('One of the headers ocp-date and Date is required.');
  const time = Date.parse(text);
  if (!(Math.abs(now - time) <= SKEW_MS))
    throw refused(
      `The request's date ${text.slice(0, 64)} is not within 15 minutes of the server's ${new Date(now).toUTCString()}.`,
    );
}

/**
 * Says whose request it is: SharedKey (or its lite form) with either key of an account, or the token
 * of a task, which opens its job and nothing else.
 */
export function authentication(ports: HttpPorts): Middleware {
  const keysOf = openedKeys(ports);
  const byKey = (context: Context, match: RegExpExecArray) => {
    const [, scheme = '', name = '', signature = ''] = match;
    const account = ports.view.accounts.get(accountKey(name));
    const form: Scheme = scheme.toLowerCase() === 'sharedkey' ? 'SharedKey' : 'SharedKeyLite';
    const request = {
      method: context.method,
      url: context.req.url ?? '/',
      headers: context.headers,
    };
    const signed = isSignedBy(
      keysOf(account),
      request,
      name,
      form,
      Buffer.from(signature, 'base64'),
    );
    if (account === undefined || !signed)
      throw refused('The account name or the signature in the Authorization header is wrong.');
    checkDate(context, ports.clock.now());
    context.state['account'] = account.key;
  };
  const byToken = (context: Context, token: string) => {
    const job = ports.jobOfTaskToken?.(token);
    if (job === undefined || !ports.view.accounts.has(accountOf(job)))
      throw refused('The bearer token is not one of this service.');
    context.state['account'] = accountOf(job);
    context.state['onlyJob'] = job;
  };
  return async (context, next) => {
    const text = context.get('authorization');
    if (text === '')
      throw new BatchError('MissingRequiredHeader', [
        { key: 'HeaderName', value: 'Authorization' },
      ]);
    const shared = SHARED_KEY.exec(text);
    const bearer = BEARER.exec(text)?.[1];
    if (shared !== null) byKey(context, shared);
    else if (bearer !== undefined) byToken(context, bearer);
    else
      throw new BatchError('InvalidAuthenticationInfo', [
        { key: 'HeaderName', value: 'Authorization' },
        { key: 'Reason', value: 'Expected is: SharedKey {account}:{signature in Base64}.' },
      ]);
    await next();
  };
}
