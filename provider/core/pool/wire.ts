import { PoolAdd } from '../../../protocol/batch/pool.js';
import { userMetadata } from '../account-of.js';
import { given, holdsUnknown, isObject, objectOf, textOf, type Properties } from '../json.js';
import { programToInput, programToWire } from '../program.js';
import { CHILD_SHAPE, type WireKind } from '../wire-kind.js';

/** Inputs are named as in Azure's resource manager; this is where they become the data plane's. */
function toWire(inputs: Properties): Properties {
  return given({
    id: inputs.poolName,
    displayName: inputs.displayName,
    vmSize: inputs.vmSize,
    virtualMachineConfiguration: machineToWire(inputs.deploymentConfiguration),
    ...scaleToWire(inputs.scaleSettings),
    enableInterNodeCommunication: yes(inputs.interNodeCommunication),
    networkConfiguration: spelled(inputs.networkConfiguration, NETWORK_TO_WIRE),
    startTask: programToWire(inputs.startTask),
    certificateReferences: certificates(inputs.certificates),
    applicationPackageReferences: packages(inputs.applicationPackages),
    taskSlotsPerNode: inputs.taskSlotsPerNode,
    taskSchedulingPolicy: inputs.taskSchedulingPolicy,
    userAccounts: inputs.userAccounts,
    mountConfiguration: programToWire(inputs.mountConfiguration),
    targetNodeCommunicationMode: communication(inputs.targetNodeCommunicationMode),
    metadata: inputs.metadata === undefined ? undefined : userMetadata(inputs.metadata),
  });
}

function machineToWire(deployment: unknown): unknown {
  const machine = objectOf(deployment).virtualMachineConfiguration;
  if (!isObject(machine)) return machine ?? (holdsUnknown(deployment) ? deployment : undefined);
  const { imageReference, nodeAgentSkuId, ...rest } = machine;
  const { id, ...image } = objectOf(imageReference);
  return given({
    ...objectOf(programToWire(rest)),
    imageReference: isObject(imageReference)
      ? given({ ...image, virtualMachineImageId: id })
      : imageReference,
    nodeAgentSKUId: nodeAgentSkuId,
  });
}

/** And back: a `deploymentConfiguration`. */
export function machineToInput(value: unknown): Properties {
  const { imageReference, nodeAgentSKUId, ...rest } = objectOf(value);
  const { virtualMachineImageId, exactVersion: _exact, ...image } = objectOf(imageReference);
  return {
    virtualMachineConfiguration: {
      ...objectOf(programToInput(rest)),
      imageReference: virtualMachineImageId === undefined ? image : { id: virtualMachineImageId },
      nodeAgentSkuId: nodeAgentSKUId,
    },
  };
}

function scaleToWire(settings: unknown): Properties {
  const { fixedScale, autoScale } = objectOf(settings);
  if (autoScale !== undefined && autoScale !== null) {
    const { formula, evaluationInterval } = objectOf(autoScale);
    return given({
      enableAutoScale: true,
      autoScaleFormula: formula,
      autoScaleEvaluationInterval: evaluationInterval,
    });
  }
  const { targetDedicatedNodes, targetLowPriorityNodes, resizeTimeout } = objectOf(fixedScale);
  return given({ targetDedicatedNodes, targetLowPriorityNodes, resizeTimeout });
}

const yes = (value: unknown) =>
  value === undefined || holdsUnknown(value) ? value : String(value).toLowerCase() === 'enabled';

/** `default` is what an absent one is. */
export const communication = (mode: unknown) =>
  typeof mode === 'string' && mode.toLowerCase() === 'default' ? undefined : mode;

const NETWORK_TO_WIRE: Readonly<Record<string, string>> = {
  dynamicVnetAssignmentScope: 'dynamicVNetAssignmentScope',
  inboundNatPools: 'inboundNATPools',
};
const NETWORK_TO_INPUT = Object.fromEntries(
  Object.entries(NETWORK_TO_WIRE).map(([input, wire]) => [wire, input]),
);
export const networkToInput = (network: unknown) => spelled(network, NETWORK_TO_INPUT);

function spelled(value: unknown, names: Readonly<Record<string, string>>): unknown {
  if (Array.isArray(value)) return value.map((item) => spelled(item, names));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [names[name] ?? name, spelled(item, names)]),
  );
}

/** A reference by thumbprint, or by the id of a Certificate (`…/certificates/sha1-THUMBPRINT`). */
function certificates(references: unknown): unknown {
  if (!Array.isArray(references)) return references;
  return references.map((reference) => {
    const { id, thumbprint, thumbprintAlgorithm, ...rest } = objectOf(reference);
    const name = textOf(id)?.split('/').at(-1) ?? '';
    const dash = name.indexOf('-');
    const fromId = holdsUnknown(id)
      ? { thumbprint: id, thumbprintAlgorithm: id }
      : dash > 0
        ? { thumbprint: name.slice(dash + 1), thumbprintAlgorithm: name.slice(0, dash) }
        : {};
    return given({
      thumbprintAlgorithm: thumbprintAlgorithm ?? fromId.thumbprintAlgorithm ?? 'sha1',
      thumbprint: thumbprint ?? fromId.thumbprint,
      ...rest,
    });
  });
}

/** By the id of an Application (`…/applications/NAME`) or of one of its packages (`…/versions/VERSION`), or the bare name. */
function packages(references: unknown): unknown {
  if (!Array.isArray(references)) return references;
  return references.map((reference) => {
    const { id, version } = objectOf(reference);
    if (holdsUnknown(id) || typeof id !== 'string')
      return given({ applicationId: id, version: version });
    const [, application, ofPackage] = /([^/]+)(?:\/versions\/([^/]+))?$/.exec(id) ?? [];
    return given({ applicationId: application ?? id, version: version ?? ofPackage });
  });
}
export const packagesToInput = (references: unknown) =>
  Array.isArray(references)
    ? references.map((reference) => {
        const { applicationId, version } = objectOf(reference);
        return given({ id: applicationId, version });
      })
    : references;

const INPUT_PATHS: Readonly<Record<string, string[]>> = {
  id: ['poolName'],
  virtualMachineConfiguration: ['deploymentConfiguration', 'virtualMachineConfiguration'],
  targetDedicatedNodes: ['scaleSettings', 'fixedScale', 'targetDedicatedNodes'],
  targetLowPriorityNodes: ['scaleSettings', 'fixedScale', 'targetLowPriorityNodes'],
  resizeTimeout: ['scaleSettings', 'fixedScale', 'resizeTimeout'],
  enableAutoScale: ['scaleSettings', 'autoScale'],
  autoScaleFormula: ['scaleSettings', 'autoScale', 'formula'],
  autoScaleEvaluationInterval: ['scaleSettings', 'autoScale', 'evaluationInterval'],
  enableInterNodeCommunication: ['interNodeCommunication'],
  certificateReferences: ['certificates'],
  applicationPackageReferences: ['applicationPackages'],
};
const INNER_NAMES: Readonly<Record<string, string>> = {
  ...NETWORK_TO_INPUT,
  nodeAgentSKUId: 'nodeAgentSkuId',
  virtualMachineImageId: 'id',
  applicationId: 'id',
  username: 'userName',
};

export const SCALE = [
  'targetDedicatedNodes',
  'targetLowPriorityNodes',
  'resizeTimeout',
  'enableAutoScale',
  'autoScaleFormula',
  'autoScaleEvaluationInterval',
] as const;
export const PATCHABLE = [
  'startTask',
  'certificateReferences',
  'applicationPackageReferences',
  'targetNodeCommunicationMode',
  'metadata',
] as const;

export const poolWire: WireKind = {
  shape: {
    ...CHILD_SHAPE,
    poolName: 'text',
    displayName: 'text',
    vmSize: 'text',
    deploymentConfiguration: 'object',
    scaleSettings: 'object',
    interNodeCommunication: 'text',
    networkConfiguration: 'object',
    startTask: 'object',
    certificates: 'list',
    applicationPackages: 'list',
    taskSlotsPerNode: 'whole',
    taskSchedulingPolicy: 'object',
    userAccounts: 'list',
    mountConfiguration: 'list',
    targetNodeCommunicationMode: 'text',
    metadata: 'list',
    waitFor: 'text',
    stopPendingResize: 'yes or no',
    rollNodes: 'object',
  },
  required: ['accountName', 'poolName', 'vmSize', 'deploymentConfiguration'],
  idInput: 'poolName',
  schema: PoolAdd,
  toWire,
  toInput: ([first = '', ...rest]) => [
    ...(INPUT_PATHS[first] ?? [first]),
    ...rest.map((part) => INNER_NAMES[part] ?? part),
  ],
  rules: Object.fromEntries([...SCALE, ...PATCHABLE].map((name) => [name, 'update' as const])),
};
