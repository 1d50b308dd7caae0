import type { Input } from '@pulumi/pulumi';

/**
 * How to reach the controller, for this one resource. Without it the stack's configuration counts
 * (`batchyard:endpoint`, `batchyard:adminToken`, `batchyard:caFile`), then the environment
 * (`BATCHYARD_ENDPOINT`, `BATCHYARD_ADMIN_TOKEN`, `BATCHYARD_CA_FILE`). A change needs no call.
 * It is kept in the state, encrypted; prefer configuration or environment for keys that change.
 */
export interface ConnectionArgs {
  /** Address of the controller without a path: `https://batch.example:8481` or `http://127.0.0.1:8480`. */
  endpoint?: Input<string>;
  /** Bearer token of the management plane; secret. */
  adminToken?: Input<string>;
  /** Key of the account (Base64); secret. Without it the provider asks for it with the admin token. */
  accountKey?: Input<string>;
  /** File with the PEM of the authority that signed the controller's certificate (its `ca.pem`). */
  caFile?: Input<string>;
}

/** How long the provider waits, as ISO 8601 durations (`PT20M`). Default PT30M each. */
export interface TimeoutArgs {
  /** ISO 8601 duration such as `PT20M`; default PT30M. */
  create?: Input<string>;
  /** ISO 8601 duration; default PT30M. */
  update?: Input<string>;
  /** ISO 8601 duration; default PT30M. */
  delete?: Input<string>;
}

/** What every resource takes. */
export interface ResourceArgs {
  /** How to reach the controller, for this one resource; secret. Default: the stack's configuration, then the environment. A change needs no call. */
  connection?: Input<ConnectionArgs>;
  /** How long the provider waits for a create, an update and a delete. A change needs no call. */
  timeouts?: Input<TimeoutArgs>;
}

/** What every resource of an account takes. */
export interface ChildArgs extends ResourceArgs {
  /** Account that the resource belongs to. A change replaces the resource. */
  accountName: Input<string>;
  /** Resource group of the account; default `default`. A change replaces the resource. */
  resourceGroupName?: Input<string>;
}
