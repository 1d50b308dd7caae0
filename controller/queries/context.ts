import type { AccountKey } from '../../protocol/keys.js';
import type { VmSize } from '../core/settings.js';
import type { Reader } from '../engine/reader.js';
import type { PageInput } from './paging.js';

/** What every query works with. `baseUrl` is the account's endpoint without a slash at its end. */
export interface QueryContext {
  reader: Reader;
  baseUrl: string;
  /** Epoch milliseconds; statistics count up to now. */
  now?: number;
  vmSizes?: readonly VmSize[];
}

export interface GetInput {
  account: AccountKey;
  select?: string;
  expand?: string;
}

export interface ListInput extends PageInput {
  account: AccountKey;
  filter?: string;
  select?: string;
  expand?: string;
}

/** `lastModified` is epoch milliseconds; `etag` as in the body, without quotes. */
export interface GetReply {
  body: object;
  etag: string;
  lastModified: number;
}
