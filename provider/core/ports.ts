import type { Properties } from './json.js';

/**
 * What the core needs from outside. Every call rejects with an error that carries the service's
 * `status` and `code` (failure.ts reads them); bodies are wire JSON, times in them ISO text.
 */
export interface Ports {
  /** The controller, without a trailing slash. */
  readonly endpoint: string;
  readonly accounts: AccountOperations;
  readonly applications: ApplicationOperations;
  readonly applicationPackages: ApplicationPackageOperations;
  readonly images: ImageOperations;
  /** The data plane of an account, with a key of that account. */
  data(account: AccountName): DataPlane;
  /** The account's files in the controller's own storage. */
  storage(account: AccountName): Storage;
  /** A line of progress in Pulumi's output. */
  say(line: string): void;
  sleep(ms: number): Promise<void>;
  /** Epoch milliseconds. */
  now(): number;
}

export interface AccountName {
  accountName: string;
  resourceGroupName: string;
}

interface AccountOperations {
  get(name: AccountName): Promise<Properties>;
  /** Creates or replaces; resolves when it has succeeded. */
  put(name: AccountName, body: Properties): Promise<Properties>;
  patch(name: AccountName, body: Properties): Promise<Properties>;
  /** Asks for its end: it is gone when `get` says so. */
  delete(name: AccountName): Promise<void>;
  keys(name: AccountName): Promise<{ primary: string; secondary: string }>;
  regenerateKey(name: AccountName, key: 'Primary' | 'Secondary'): Promise<void>;
}

/** Images of the controller; they belong to no account. */
interface ImageOperations {
  get(location: string, name: string): Promise<Properties>;
  /** Creates or changes; the import goes on after the answer. */
  put(location: string, name: string, properties: Properties): Promise<Properties>;
  /** Does nothing where there is none. */
  delete(location: string, name: string): Promise<void>;
}

interface ApplicationOperations {
  get(account: AccountName, name: string): Promise<Properties>;
  /** Creates; of one that is there the given properties change. */
  put(account: AccountName, name: string, body: Properties): Promise<Properties>;
  /** An empty text takes a property away, one that is left out stays. */
  patch(account: AccountName, name: string, body: Properties): Promise<Properties>;
  /** Does nothing where there is none. */
  delete(account: AccountName, name: string): Promise<void>;
}

interface ApplicationPackageOperations {
  get(account: AccountName, application: string, version: string): Promise<Properties>;
  /** Answers with a signed `storageUrl` to upload to. */
  put(account: AccountName, application: string, version: string): Promise<Properties>;
  upload(storageUrl: string, content: Uint8Array): Promise<void>;
  activate(account: AccountName, application: string, version: string): Promise<Properties>;
  /** Does nothing where there is none. */
  delete(account: AccountName, application: string, version: string): Promise<void>;
}

export interface DataPlane {
  pool: {
    add(body: Properties): Promise<void>;
    get(poolId: string): Promise<Properties>;
    patch(poolId: string, body: Properties): Promise<void>;
    updateProperties(poolId: string, body: Properties): Promise<void>;
    resize(poolId: string, body: Properties): Promise<void>;
    stopResize(poolId: string): Promise<void>;
    enableAutoScale(poolId: string, body: Properties): Promise<void>;
    disableAutoScale(poolId: string): Promise<void>;
    delete(poolId: string): Promise<void>;
    /** Nodes of the pool (id, state, errors). */
    nodes(poolId: string): Promise<Properties[]>;
    /** Address and port for ssh. */
    remoteLoginSettings(poolId: string, nodeId: string): Promise<Properties>;
    /** What becomes of its tasks: `requeue`, `terminate`, `taskcompletion`, `retaineddata`. */
    rebootNode(poolId: string, nodeId: string, nodeRebootOption: string): Promise<void>;
  };
  job: {
    add(body: Properties): Promise<void>;
    get(jobId: string): Promise<Properties>;
    patch(jobId: string, body: Properties): Promise<void>;
    disable(jobId: string, disableTasks: 'requeue' | 'terminate' | 'wait'): Promise<void>;
    enable(jobId: string): Promise<void>;
    delete(jobId: string): Promise<void>;
    /** At most 100 tasks a call; one result a task, in any order. */
    addTasks(jobId: string, tasks: Properties[]): Promise<TaskResult[]>;
  };
  task: {
    add(jobId: string, body: Properties): Promise<void>;
    get(jobId: string, taskId: string): Promise<Properties>;
    /** The constraints are all that can be changed. */
    update(jobId: string, taskId: string, body: Properties): Promise<void>;
    delete(jobId: string, taskId: string): Promise<void>;
  };
  jobSchedule: {
    add(body: Properties): Promise<void>;
    get(jobScheduleId: string): Promise<Properties>;
    update(jobScheduleId: string, body: Properties): Promise<void>;
    delete(jobScheduleId: string): Promise<void>;
  };
  certificate: {
    add(body: Properties): Promise<void>;
    get(algorithm: string, thumbprint: string): Promise<Properties>;
    delete(algorithm: string, thumbprint: string): Promise<void>;
    cancelDeletion(algorithm: string, thumbprint: string): Promise<void>;
  };
  /** Images that nodes can be made of, all or those that an OData filter lets through. */
  images(filter: string | undefined): Promise<Properties[]>;
}

interface TaskResult {
  taskId: string;
  /** Absent: added. */
  error?: { code: string; message: string };
}

export interface Storage {
  /** False: it is there already. */
  createContainer(container: string): Promise<boolean>;
  deleteContainer(container: string): Promise<void>;
  put(container: string, blob: string, content: Uint8Array): Promise<void>;
  delete(container: string, blob: string): Promise<void>;
  /** Names and sizes of all blobs; rejects with ContainerNotFound. */
  list(container: string): Promise<{ name: string; bytes: number }[]>;
}
