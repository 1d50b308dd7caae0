import type { Properties } from './json.js';
import type { Ports } from './ports.js';

export interface CheckFailure {
  property: string;
  reason: string;
}
export interface CheckResult {
  inputs: Properties;
  failures: CheckFailure[];
}
export interface DiffResult {
  changes: boolean;
  replaces: string[];
  deleteBeforeReplace: boolean;
  /** What the user should know of this change before it is made, a sentence each. */
  notes?: string[];
}

/**
 * One kind of resource: plain functions over plain JSON. Outputs repeat every input as it was given;
 * what the service computes stands beside it under names of its own.
 */
export interface Kind {
  /** As in messages: `Pool`. */
  readonly name: string;
  /** What an input has to be; touches nothing but this machine's files. */
  check(olds: Properties, news: Properties): Promise<CheckResult>;
  /** `olds` are outputs. */
  diff(id: string, olds: Properties, news: Properties): DiffResult;
  create(inputs: Properties, ports: Ports): Promise<{ id: string; outs: Properties }>;
  /** Undefined: the service says that there is none. */
  read(id: string, props: Properties, ports: Ports): Promise<Reading | undefined>;
  update(id: string, olds: Properties, news: Properties, ports: Ports): Promise<Properties>;
  delete(id: string, props: Properties, ports: Ports): Promise<void>;
}

export interface Reading {
  props: Properties;
  /** Inputs that would make what was found; absent: the ones of before. */
  inputs?: Properties;
}
