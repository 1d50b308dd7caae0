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
  create?: Input<string>;
  update?: Input<string>;
  delete?: Input<string>;
}

/** What every resource takes. */
export interface ResourceArgs {
  connection?: Input<ConnectionArgs>;
  timeouts?: Input<TimeoutArgs>;
}

/** What every resource of an account takes. */
export interface ChildArgs extends ResourceArgs {
  /** Account that the resource belongs to. A change replaces the resource. */
  accountName: Input<string>;
  /** Resource group of the account; default `default`. A change replaces the resource. */
  resourceGroupName?: Input<string>;
}
