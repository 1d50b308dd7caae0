import type { Context } from 'koa';
import type { Account } from '../../core/account/state.js';
import { accountKey } from '../../../protocol/keys.js';
import type { HttpPorts } from '../ports.js';
import { resourceNotFound } from './errors.js';

/** One request of the management plane: authorised, its path matched, its body read. */
export interface ManagementCall {
  readonly ports: HttpPorts;
  readonly context: Context;
  /** Parts of the path, decoded. */
  readonly names: Readonly<Record<string, string>>;
  readonly query: ReadonlyMap<string, string>;
  /** Parsed JSON, undefined where there is none. */
  readonly body: unknown;
  readonly baseUrl: string;
}

export type ManagementHandler = (call: ManagementCall) => Promise<void>;

/** A part of the path that its pattern guarantees. */
export function nameOf(call: ManagementCall, name: string): string {
  const value = call.names[name];
  if (value === undefined) throw new Error(`the path ${call.context.path} names no ${name}`);
  return value;
}

/** Whether the account is in the subscription and resource group of the path. */
export function isOfPath(call: ManagementCall, account: Readonly<Account>): boolean {
  const same = (part: string, own: string) =>
    nameOf(call, part).toLowerCase() === own.toLowerCase();
  return (
    same('subscriptionId', account.subscriptionId) &&
    same('resourceGroupName', account.resourceGroup)
  );
}

/** The account that the path names, in its own subscription and resource group only. */
export function accountOfPath(call: ManagementCall): Readonly<Account> {
  const name = nameOf(call, 'accountName');
  const account = call.ports.view.accounts.get(accountKey(name));
  if (account === undefined || !isOfPath(call, account))
    throw resourceNotFound(`Microsoft.Batch/batchAccounts/${name}`);
  return account;
}

export function sendJson(call: ManagementCall, body: object, status = 200): void {
  call.context.status = status;
  call.context.body = JSON.stringify(body);
  call.context.set('content-type', 'application/json; charset=utf-8');
}

/** A whole list; ARM clients follow `nextLink` where there is one. */
export function sendList(call: ManagementCall, value: object[], next?: string): void {
  const { context, query, baseUrl } = call;
  const kept = [...query].filter(([name, text]) => name !== '$skiptoken' && text !== '');
  const parameters = [...kept, ['$skiptoken', next ?? '']]
    .map(([name, text]) => `${name}=${encodeURIComponent(text ?? '')}`)
    .join('&');
  const nextLink = next === undefined ? undefined : `${baseUrl}${context.path}?${parameters}`;
  sendJson(call, { value, ...(nextLink !== undefined && { nextLink }) });
}

/** An answer without a body: `status` is what clients of the operation take for success. */
export function sendNothing(call: ManagementCall, status = 200): void {
  call.context.body = null;
  call.context.status = status;
}
