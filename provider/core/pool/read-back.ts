import { userMetadata } from '../account-of.js';
import { objectOf, sameMeaning, type Properties } from '../json.js';
import { programToInput } from '../program.js';
import { withSecretsOf } from '../secrets.js';
import { normalPair } from '../wire-kind.js';
import {
  communication,
  machineToInput,
  networkToInput,
  packagesToInput,
  poolWire,
} from './wire.js';

/** With automatic scaling the sizes are the formula's, not the inputs'. */
const SIZES = ['targetDedicatedNodes', 'targetLowPriorityNodes', 'resizeTimeout'];

/** The inputs with the values that the service has where those mean something else. */
export function asFound(inputs: Properties, found: Properties): Properties {
  const scaled = found.enableAutoScale === true;
  const wanted = poolWire.toWire(inputs);
  const wire = {
    ...found,
    metadata: userMetadata(found.metadata),
    targetNodeCommunicationMode: communication(found.targetNodeCommunicationMode),
  };
  const known = Object.entries(wire).filter(
    ([name]) => name in READ_BACK && !(scaled && SIZES.includes(name)),
  );
  const { before, after } = normalPair(poolWire.schema, wanted, {
    ...objectOf(withSecretsOf(Object.fromEntries(known), wanted)),
    id: inputs.poolName,
  });
  const result = structuredClone(inputs);
  for (const [name, put] of Object.entries(READ_BACK))
    if (!sameMeaning(name, before[name], after[name])) put(result, after[name]);
  return result;
}

type Put = (inputs: Properties, value: unknown) => void;
const into =
  (name: string, convert: (value: unknown) => unknown = (value) => value): Put =>
  (inputs, value) => {
    inputs[name] = convert(value);
  };
/** What the way of scaling of before had is dropped with it. */
const intoScale =
  (way: 'fixedScale' | 'autoScale', name: string): Put =>
  (inputs, value) => {
    if (value === undefined) return;
    inputs.scaleSettings = {
      [way]: { ...objectOf(objectOf(inputs.scaleSettings)[way]), [name]: value },
    };
  };

/** Where a property of the service's answer goes. */
const READ_BACK: Readonly<Record<string, Put>> = {
  displayName: into('displayName'),
  vmSize: into('vmSize'),
  virtualMachineConfiguration: into('deploymentConfiguration', machineToInput),
  // Told by the properties of either way.
  enableAutoScale: () => undefined,
  // Of the last resize: the next one brings its own.
  resizeTimeout: () => undefined,
  targetDedicatedNodes: intoScale('fixedScale', 'targetDedicatedNodes'),
  targetLowPriorityNodes: intoScale('fixedScale', 'targetLowPriorityNodes'),
  autoScaleFormula: intoScale('autoScale', 'formula'),
  autoScaleEvaluationInterval: intoScale('autoScale', 'evaluationInterval'),
  enableInterNodeCommunication: into('interNodeCommunication', (value) =>
    value === true ? 'Enabled' : 'Disabled',
  ),
  networkConfiguration: into('networkConfiguration', networkToInput),
  startTask: into('startTask', programToInput),
  certificateReferences: into('certificates'),
  applicationPackageReferences: into('applicationPackages', packagesToInput),
  taskSlotsPerNode: into('taskSlotsPerNode'),
  taskSchedulingPolicy: into('taskSchedulingPolicy'),
  userAccounts: into('userAccounts'),
  mountConfiguration: into('mountConfiguration', programToInput),
  targetNodeCommunicationMode: into('targetNodeCommunicationMode'),
  metadata: into('metadata'),
};
