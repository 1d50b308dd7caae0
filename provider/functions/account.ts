import * as pulumi from '@pulumi/pulumi';
import { later, read, type AccountLookUpArgs, type Later } from './look-up.js';

export type GetAccountArgs = AccountLookUpArgs;
export interface GetAccountResult {
  id: string;
  accountName: string;
  resourceGroupName: string;
  location: string;
  tags: Record<string, string>;
  /** Host and port of the data plane, as clients want it. */
  accountEndpoint: string;
  /** `Succeeded` once the account can be used. */
  provisioningState: string;
  /** Pools that the account may have. */
  poolQuota?: number;
  /** Cores of dedicated nodes that the account may have. */
  dedicatedCoreQuota?: number;
  /** Cores of low-priority nodes that the account may have. */
  lowPriorityCoreQuota?: number;
  /** Jobs and job schedules that may be active at a time. */
  activeJobAndJobScheduleQuota?: number;
}
/** Reads an account that exists. Fails where there is none. */
export const getAccount = (args: GetAccountArgs): Promise<GetAccountResult> =>
  read('getAccount', args);
export const getAccountOutput = (args: Later<GetAccountArgs>): pulumi.Output<GetAccountResult> =>
  later('getAccount', args);

export type ListAccountKeysArgs = AccountLookUpArgs;
export interface ListAccountKeysResult {
  /** Base64; secret. */
  primary: string;
  /** Base64; secret. */
  secondary: string;
}
/** Reads the two keys of an account. The plain form returns them as they are: prefer the output form, which is secret. */
export const listAccountKeys = (args: ListAccountKeysArgs): Promise<ListAccountKeysResult> =>
  read('listAccountKeys', args);
export const listAccountKeysOutput = (
  args: Later<ListAccountKeysArgs>,
): pulumi.Output<ListAccountKeysResult> => pulumi.secret(later('listAccountKeys', args));

export interface GetApplicationArgs extends AccountLookUpArgs {
  applicationName: string;
}
export interface GetApplicationResult {
  id: string;
  accountName: string;
  resourceGroupName: string;
  applicationName: string;
  displayName?: string;
  /** Whether packages may be replaced and deleted. */
  allowUpdates: boolean;
  /** The version that pools and tasks get that name none. */
  defaultVersion?: string;
}
/** Reads an application that exists. Fails where there is none. */
export const getApplication = (args: GetApplicationArgs): Promise<GetApplicationResult> =>
  read('getApplication', args);
export const getApplicationOutput = (
  args: Later<GetApplicationArgs>,
): pulumi.Output<GetApplicationResult> => later('getApplication', args);
