import type { ParameterizedContext } from 'koa';
import type { AccountKey, JobKey } from '../../protocol/keys.js';
import type { Conditions } from '../engine/command.js';
import type { HttpPorts } from './ports.js';

/** What the middleware of the data plane has found out about a request. */
export interface RequestState {
  requestId: string;
  /** The account that signed the request. */
  account: AccountKey;
  /** Set for a task's token: nothing outside this job may be touched. */
  onlyJob?: JobKey;
  /** Query parameters by lower-case name, decoded; the first of duplicates. */
  query: ReadonlyMap<string, string>;
  /** Id of the operation that was asked for, once it is known. */
  operation?: string;
}

export type RequestContext = ParameterizedContext<RequestState>;

/** One request of one operation, checked and parsed: what a handler works with. */
export interface Call<Body = unknown> {
  readonly ports: HttpPorts;
  readonly context: RequestContext;
  readonly account: AccountKey;
  /** Ids of the path, decoded, in the case the client wrote them. */
  readonly ids: Readonly<Record<string, string>>;
  readonly query: ReadonlyMap<string, string>;
  readonly conditions: Conditions | undefined;
  readonly body: Body;
  /** `http://host:port` as the client reached it. */
  readonly baseUrl: string;
}
