import type { ArmPool } from '../../../protocol/management/pool.js';
import { formatTime } from '../../../protocol/time.js';
import type { Account } from '../../core/account/state.js';
import type { Pool } from '../../core/pool/state.js';
import { POOL_SPELLING, spelled } from './arm-spelling.js';
import type { ArmDocument } from './page.js';

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The same object with some properties under other names. */
function renamed(value: unknown, names: Record<string, string>): unknown {
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [names[name] ?? name, inner]),
  );
}

const swap = (names: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(names).map(([from, to]) => [to, from]));

const TO_BATCH = {
  machine: { nodeAgentSkuId: 'nodeAgentSKUId' },
  image: { id: 'virtualMachineImageId' },
  network: { dynamicVnetAssignmentScope: 'dynamicVNetAssignmentScope' },
  endpoint: { inboundNatPools: 'inboundNATPools' },
  user: { userName: 'username' },
} as const;
const TO_ARM = {
  machine: swap(TO_BATCH.machine),
  image: swap(TO_BATCH.image),
  network: swap(TO_BATCH.network),
  endpoint: swap(TO_BATCH.endpoint),
  user: swap(TO_BATCH.user),
} as const;

/** `parent[name]` changed by `change` where it is there. */
const within = (parent: unknown, name: string, change: (value: unknown) => unknown): unknown =>
  isObject(parent) && parent[name] !== undefined
    ? { ...parent, [name]: change(parent[name]) }
    : parent;

type Names = { [Part in keyof typeof TO_BATCH]: Record<string, string> };

const machine = (value: unknown, names: Names) =>
  within(renamed(value, names.machine), 'imageReference', (image) => renamed(image, names.image));
const network = (value: unknown, names: Names) =>
  within(renamed(value, names.network), 'endpointConfiguration', (endpoint) =>
    renamed(endpoint, names.endpoint),
  );
const startTask = (value: unknown, names: Names) =>
  within(value, 'userIdentity', (identity) => renamed(identity, names.user));
const mounts = (value: unknown, names: Names) =>
  Array.isArray(value)
    ? value.map((mount) =>
        within(mount, 'cifsMountConfiguration', (share) => renamed(share, names.user)),
      )
    : value;

const lastPart = (id: string) => id.slice(id.lastIndexOf('/') + 1);

/** `…/certificates/sha1-abc` → thumbprint and algorithm. */
function certificateReference({ id, ...reference }: { id: string } & Json): Json {
  const [thumbprintAlgorithm, thumbprint] = lastPart(id).split('-', 2);
  return { ...reference, thumbprintAlgorithm, thumbprint };
}

/** ARM's properties as a body of Pool_Add without id; values are left for its schema to check. */
export function toBatchPool(properties: ArmPool['properties']) {
  const { deploymentConfiguration, scaleSettings, interNodeCommunication } = properties;
  const { fixedScale, autoScale } = scaleSettings ?? {};
  return {
    displayName: properties.displayName,
    vmSize: properties.vmSize,
    virtualMachineConfiguration: machine(
      deploymentConfiguration?.virtualMachineConfiguration,
      TO_BATCH,
    ),
    cloudServiceConfiguration: deploymentConfiguration?.cloudServiceConfiguration,
    targetDedicatedNodes: fixedScale?.targetDedicatedNodes,
    targetLowPriorityNodes: fixedScale?.targetLowPriorityNodes,
    resizeTimeout: fixedScale?.resizeTimeout,
    enableAutoScale: autoScale !== undefined,
    autoScaleFormula: autoScale?.formula,
    autoScaleEvaluationInterval: autoScale?.evaluationInterval,
    enableInterNodeCommunication: interNodeCommunication === 'Enabled',
    networkConfiguration: network(properties.networkConfiguration, TO_BATCH),
    taskSlotsPerNode: properties.taskSlotsPerNode,
    taskSchedulingPolicy: properties.taskSchedulingPolicy,
    userAccounts: properties.userAccounts,
    metadata: properties.metadata,
    startTask: startTask(properties.startTask, TO_BATCH),
    certificateReferences: properties.certificates?.map(certificateReference),
    applicationPackageReferences: properties.applicationPackages?.map(({ id, ...reference }) => ({
      ...reference,
      applicationId: lastPart(id),
    })),
    applicationLicenses: properties.applicationLicenses,
    mountConfiguration: mounts(properties.mountConfiguration, TO_BATCH),
    targetNodeCommunicationMode: properties.targetNodeCommunicationMode,
  };
}

/** A pool of the data plane's JSON in ARM's shape, with the resize that its row knows more of. */
export function armPool(
  account: Readonly<Account>,
  body: object,
  resize: Readonly<Pool['resize']> | undefined,
): ArmDocument {
  const pool = body as Json;
  const accountId = `/subscriptions/${account.subscriptionId}/resourceGroups/${account.resourceGroup}/providers/Microsoft.Batch/batchAccounts/${account.name}`;
  const id = String(pool['id']);
  return {
    id: `${accountId}/pools/${id}`,
    name: id,
    type: 'Microsoft.Batch/batchAccounts/pools',
    etag: `W/"${String(pool['eTag'])}"`,
    properties: dropAbsent({
      displayName: pool['displayName'],
      lastModified: pool['lastModified'],
      creationTime: pool['creationTime'],
      provisioningState: pool['state'] === 'deleting' ? 'Deleting' : 'Succeeded',
      provisioningStateTransitionTime: pool['stateTransitionTime'],
      allocationState: spelled(pool['allocationState'], POOL_SPELLING.allocationState),
      allocationStateTransitionTime: pool['allocationStateTransitionTime'],
      vmSize: typeof pool['vmSize'] === 'string' ? pool['vmSize'].toUpperCase() : undefined,
      deploymentConfiguration: dropAbsent({
        virtualMachineConfiguration: spelled(
          machine(pool['virtualMachineConfiguration'], TO_ARM),
          POOL_SPELLING.machine,
        ),
        cloudServiceConfiguration: pool['cloudServiceConfiguration'],
      }),
      currentDedicatedNodes: pool['currentDedicatedNodes'],
      currentLowPriorityNodes: pool['currentLowPriorityNodes'],
      scaleSettings: scaleSettings(pool),
      interNodeCommunication:
        pool['enableInterNodeCommunication'] === true ? 'Enabled' : 'Disabled',
      networkConfiguration: spelled(
        network(pool['networkConfiguration'], TO_ARM),
        POOL_SPELLING.network,
      ),
      taskSlotsPerNode: pool['taskSlotsPerNode'],
      taskSchedulingPolicy: spelled(
        pool['taskSchedulingPolicy'],
        POOL_SPELLING.taskSchedulingPolicy,
      ),
      userAccounts: spelled(pool['userAccounts'], POOL_SPELLING.userAccounts),
      metadata: pool['metadata'],
      startTask: spelled(startTask(pool['startTask'], TO_ARM), POOL_SPELLING.startTask),
      certificates: certificates(pool, accountId),
      applicationPackages: list(pool['applicationPackageReferences'])?.map((reference) => ({
        id: `${accountId}/applications/${String(reference['applicationId'])}`,
        version: reference['version'],
      })),
      applicationLicenses: pool['applicationLicenses'],
      mountConfiguration: mounts(pool['mountConfiguration'], TO_ARM),
      autoScaleRun: isObject(pool['autoScaleRun']) ? evaluationOf(pool['autoScaleRun']) : undefined,
      resizeOperationStatus: resizeStatus(pool, resize),
      targetNodeCommunicationMode: spelled(
        pool['targetNodeCommunicationMode'],
        POOL_SPELLING.communicationMode,
      ),
      currentNodeCommunicationMode: spelled(
        pool['currentNodeCommunicationMode'],
        POOL_SPELLING.communicationMode,
      ),
    }),
  };
}

const list = (value: unknown) => (Array.isArray(value) ? (value as Json[]) : undefined);
const dropAbsent = (value: Json): Json =>
  Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined));

const certificates = (pool: Json, accountId: string): unknown =>
  spelled(
    list(pool['certificateReferences'])?.map((reference) => ({
      id: `${accountId}/certificates/${String(reference['thumbprintAlgorithm'])}-${String(reference['thumbprint'])}`,
      storeLocation: reference['storeLocation'],
      storeName: reference['storeName'],
      visibility: reference['visibility'],
    })),
    POOL_SPELLING.certificates,
  );

const scaleSettings = (pool: Json): Json =>
  pool['enableAutoScale'] === true
    ? {
        autoScale: {
          formula: pool['autoScaleFormula'],
          evaluationInterval: pool['autoScaleEvaluationInterval'],
        },
      }
    : { fixedScale: targets(pool) };

const targets = (pool: Json): Json => ({
  targetDedicatedNodes: pool['targetDedicatedNodes'],
  targetLowPriorityNodes: pool['targetLowPriorityNodes'],
  resizeTimeout: pool['resizeTimeout'],
});

const evaluationOf = (run: Json): Json =>
  dropAbsent({
    evaluationTime: run['timestamp'],
    results: run['results'],
    error: isObject(run['error']) ? armError(run['error']) : undefined,
  });

const armError = (error: Json): Json =>
  dropAbsent({
    code: error['code'],
    message: error['message'],
    details: list(error['values'])?.map(({ name, value }) => ({ code: name, message: value })),
  });

const resizeStatus = (pool: Json, resize: Readonly<Pool['resize']> | undefined): Json =>
  dropAbsent({
    ...targets(pool),
    ...(resize !== undefined && {
      nodeDeallocationOption: spelled(
        resize.nodeDeallocationOption,
        POOL_SPELLING.deallocationOption,
      ),
      startTime: formatTime(resize.startTime),
    }),
    errors: list(pool['resizeErrors'])?.map(armError),
  });
