import * as pulumi from '@pulumi/pulumi';
import type { FunctionName } from '../core/functions/functions.js';

/** The same with values that may not be known yet. */
export type Later<Args> = { [Name in keyof Args]: pulumi.Input<Args[Name]> };

/** What every function takes. */
export interface AccountLookUpArgs {
  /** Account to look in. */
  accountName: string;
  /** Resource group of the account; default `default`. */
  resourceGroupName?: string;
  /** Instead of the stack's configuration and the environment; secret. */
  connection?: LookUpConnection;
}

/** As `connection` of a resource. */
interface LookUpConnection {
  /** Address of the controller without a path. */
  endpoint?: string;
  /** Bearer token of the management plane; secret. */
  adminToken?: string;
  /** Key of the account (Base64); secret. */
  accountKey?: string;
  /** File with the PEM of the authority that signed the controller's certificate. */
  caFile?: string;
}

/** Runs a function in the program, with the stack's configuration. */
export async function read<Result>(name: FunctionName, args: object): Promise<Result> {
  const config = new pulumi.Config('batchyard');
  const keys = ['endpoint', 'adminToken', 'caFile'] as const;
  const settings = Object.fromEntries(keys.map((key) => [key, config.get(key)]));
  // Only programs that look something up pay for loading the clients.
  const { lookUp } = await import('../dynamic/look-up.js');
  return (await lookUp(name, { ...args }, settings)) as Result;
}

/** The same as an output: it waits for its arguments, and is secret where one of them is. */
export const later = <Result>(name: FunctionName, args: object): pulumi.Output<Result> =>
  pulumi
    .output(args)
    .apply((known) => read<Result>(name, known as object)) as pulumi.Output<Result>;
