import { RAN_TOO_LONG } from '../../agent/event.js';
import { INFINITE_DURATION } from '../../time.js';
import { isJson, objectAt, objectsAt, rename, type Json } from './json.js';
import type { Parts } from './parts.js';

/**
 * What one api-version changed, seen from those before it: how their requests become today's, and how
 * today's answers become theirs (the contract's section 8). A change knows only its own step: requests
 * pass through all that came since their version, oldest first; answers the other way.
 */
export interface Change {
  /** Versions before this one are concerned, by date. */
  readonly since: string;
  request?(parts: Parts, operation: string, body: Json): void;
  reply?(parts: Parts, operation: string, body: Json): void;
}

const offlineNodes: Change = {
  since: '2015-11',
  reply({ nodes }) {
    for (const node of nodes) if (node.state === 'offline') node.state = 'unusable';
  },
};

/** `StartTask,Task,RDP` in one text. */
const splitVisibility = (value: unknown): unknown =>
  typeof value === 'string'
    ? value
        .split(',')
        .map((one) => one.trim().toLowerCase())
        .map((one) => (one === 'rdp' ? 'remoteuser' : one))
        .filter((one) => one !== '')
    : value;
const joinVisibility = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map((one) => (one === 'remoteuser' ? 'rdp' : String(one))).join(',')
    : value;

const configurations: Change = {
  since: '2016-02',
  request({ pools, certificateReferences }) {
    for (const pool of pools) {
      const { osFamily, targetOSVersion } = pool;
      delete pool.osFamily;
      delete pool.targetOSVersion;
      if (osFamily !== undefined)
        pool.cloudServiceConfiguration ??= {
          osFamily,
          ...(targetOSVersion === undefined ? {} : { targetOSVersion }),
        };
    }
    for (const reference of certificateReferences)
      if ('visibility' in reference) reference.visibility = splitVisibility(reference.visibility);
  },
  reply({ pools, certificateReferences }) {
    for (const pool of pools) {
      const cloud = objectAt(pool, 'cloudServiceConfiguration');
      delete pool.cloudServiceConfiguration;
      if (cloud !== undefined) Object.assign(pool, cloud);
    }
    for (const reference of certificateReferences)
      if ('visibility' in reference) reference.visibility = joinVisibility(reference.visibility);
  },
};

const identities: Change = {
  since: '2017-01',
  request({ tasks }) {
    for (const { json } of tasks)
      rename(json, 'runElevated', 'userIdentity', (elevated) => ({
        autoUser: { elevationLevel: elevated === true ? 'admin' : 'nonadmin' },
      }));
  },
  reply({ tasks, pools }) {
    for (const { json } of tasks)
      rename(json, 'userIdentity', 'runElevated', (identity) => {
        const autoUser = isJson(identity) ? objectAt(identity, 'autoUser') : undefined;
        return autoUser?.elevationLevel === 'admin';
      });
    for (const pool of pools) delete pool.userAccounts;
  },
};

/** 0xC000013A as a number of 32 bits, STATUS_CONTROL_C_EXIT of Windows: the first documents' sign of a time-out. */
const EXIT_OF_TIMED_OUT = -1_073_741_510;

const lowPriority: Change = {
  since: '2017-05',
  request({ pools, tasks }) {
    for (const pool of pools) rename(pool, 'targetDedicated', 'targetDedicatedNodes');
    for (const { json } of tasks) {
      const conditions = objectAt(json, 'exitConditions');
      if (conditions !== undefined) rename(conditions, 'schedulingError', 'preProcessingError');
    }
  },
  reply({ pools, tasks, runs }) {
    for (const pool of pools) {
      rename(pool, 'targetDedicatedNodes', 'targetDedicated');
      rename(pool, 'currentDedicatedNodes', 'currentDedicated');
      delete pool.targetLowPriorityNodes;
      delete pool.currentLowPriorityNodes;
      const [resizeError] = objectsAt(pool, 'resizeErrors');
      delete pool.resizeErrors;
      if (resizeError !== undefined) pool.resizeError = resizeError;
    }
    for (const { json } of tasks) {
      const conditions = objectAt(json, 'exitConditions');
      if (conditions !== undefined) rename(conditions, 'preProcessingError', 'schedulingError');
    }
    for (const run of runs) {
      delete run.result;
      const failure = objectAt(run, 'failureInfo');
      delete run.failureInfo;
      // A plain nonzero exit was no error of scheduling: its exit code says it all.
      if (failure === undefined || failure.code === 'FailureExitCode') continue;
      run.schedulingError = failure;
      if (failure.message !== RAN_TOO_LONG) continue;
      failure.category = 'servererror';
      run.exitCode = EXIT_OF_TIMED_OUT;
    }
  },
};

const filesOf = ({ tasks }: Parts): Json[] =>
  tasks.flatMap(({ json }) => [
    ...objectsAt(json, 'resourceFiles'),
    ...objectsAt(objectAt(json, 'multiInstanceSettings') ?? {}, 'commonResourceFiles'),
  ]);

const renameType = (pool: Json, from: string, to: string) => {
  const machine = objectAt(pool, 'virtualMachineConfiguration') ?? {};
  const container = objectAt(machine, 'containerConfiguration');
  if (typeof container?.type === 'string' && container.type.toLowerCase() === from)
    container.type = to;
};

const urls: Change = {
  since: '2018-08',
  request(parts) {
    for (const file of filesOf(parts)) rename(file, 'blobSource', 'httpUrl');
    for (const pool of parts.pools) {
      const cloud = objectAt(pool, 'cloudServiceConfiguration');
      if (cloud !== undefined) rename(cloud, 'targetOSVersion', 'osVersion');
      if (cloud !== undefined) delete cloud.currentOSVersion;
      renameType(pool, 'docker', 'dockerCompatible');
      const machine = objectAt(pool, 'virtualMachineConfiguration') ?? {};
      for (const disk of objectsAt(machine, 'dataDisks')) disk.caching ??= 'none';
    }
  },
  reply(parts, operation, body) {
    for (const file of filesOf(parts)) rename(file, 'httpUrl', 'blobSource');
    for (const pool of parts.pools) {
      const cloud = objectAt(pool, 'cloudServiceConfiguration');
      if (cloud?.currentOSVersion !== undefined) pool.state = 'upgrading';
      if (cloud?.osVersion !== undefined) cloud.currentOSVersion ??= cloud.osVersion;
      if (cloud !== undefined) rename(cloud, 'osVersion', 'targetOSVersion');
      renameType(pool, 'dockercompatible', 'docker');
    }
    if (operation === 'Job_GetTaskCounts') body.validationStatus = 'validated';
    if (operation === 'Pool_ListUsageMetrics')
      for (const metrics of objectsAt(body, 'value'))
        Object.assign(metrics, { dataIngressGiB: 0, dataEgressGiB: 0 });
  },
};

const retention: Change = {
  since: '2018-12',
  request({ tasks }, operation, body) {
    const keepForEver = (json: Json) => {
      const constraints = objectAt(json, 'constraints') ?? {};
      constraints.retentionTime ??= INFINITE_DURATION;
      json.constraints = constraints;
    };
    if (operation === 'Task_Update') return keepForEver(body);
    for (const { kind, json } of tasks) {
      if (kind === 'release') json.retentionTime ??= INFINITE_DURATION;
      else if (kind !== 'start') keepForEver(json);
    }
  },
};

const defaults: Change = {
  since: '2019-08',
  request({ tasks }, operation) {
    if (operation === 'Task_Update') return;
    for (const { kind, json } of tasks) {
      if (kind === 'start') json.waitForSuccess ??= false;
      const identity = objectAt(json, 'userIdentity') ?? {};
      if (identity.username !== undefined) continue;
      const autoUser = objectAt(identity, 'autoUser') ?? {};
      autoUser.scope ??= 'task';
      json.userIdentity = { ...identity, autoUser };
    }
  },
};

const publicAddresses: Change = {
  since: '2020-03',
  request({ pools }) {
    for (const pool of pools) {
      const network = objectAt(pool, 'networkConfiguration');
      if (network === undefined) continue;
      rename(network, 'publicIPs', 'publicIPAddressConfiguration', (ipAddressIds) => ({
        provision: 'usermanaged',
        ipAddressIds,
      }));
    }
  },
  reply({ pools }) {
    for (const pool of pools) {
      const network = objectAt(pool, 'networkConfiguration');
      const addresses = objectAt(network ?? {}, 'publicIPAddressConfiguration');
      if (network === undefined || addresses === undefined) continue;
      delete network.publicIPAddressConfiguration;
      if (addresses.ipAddressIds !== undefined) network.publicIPs = addresses.ipAddressIds;
    }
  },
};

const slots: Change = {
  since: '2020-09',
  request({ pools }) {
    for (const pool of pools) rename(pool, 'maxTasksPerNode', 'taskSlotsPerNode');
  },
  reply({ pools, tasks, nodes }, operation, body) {
    for (const pool of pools) rename(pool, 'taskSlotsPerNode', 'maxTasksPerNode');
    for (const { json } of tasks) delete json.requiredSlots;
    for (const node of nodes) delete node.runningTaskSlotsCount;
    if (operation !== 'Job_GetTaskCounts') return;
    const counts = objectAt(body, 'taskCounts');
    delete body.taskCounts;
    delete body.taskSlotCounts;
    Object.assign(body, counts);
  },
};

/** Oldest first. */
export const CHANGES: readonly Change[] = [
  offlineNodes,
  configurations,
  identities,
  lowPriority,
  urls,
  retention,
  defaults,
  publicAddresses,
  slots,
];
