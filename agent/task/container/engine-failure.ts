import { StepFailure } from '../failure.js';

const MESSAGE_MAX = 1_000;

type Rule = readonly [RegExp, code: string, category: 'usererror' | 'servererror'];

const OF_ENGINE: readonly Rule[] = [
  [
    /cannot connect to|connection refused|is the docker daemon|timed? ?out|deadline exceeded|connection reset|unexpected EOF|no space left/i,
    'ContainerMiscError',
    'servererror',
  ],
];
const OF_REGISTRY: Rule = [
  /unauthorized|authentication required|no basic auth|incorrect username|no such host|x509|http response to https/i,
  'ContainerInvalidRegistry',
  'usererror',
];
const OF_PULL: readonly Rule[] = [
  OF_REGISTRY,
  ...OF_ENGINE,
  [/^/, 'ContainerInvalidImage', 'usererror'],
];
const OF_CREATE: readonly Rule[] = [
  ...OF_ENGINE,
  [/no such image|image not known|invalid reference format/i, 'ContainerInvalidImage', 'usererror'],
  [/^/, 'ContainerInvalidSettings', 'usererror'],
];
const OF_START: readonly Rule[] = [
  ...OF_ENGINE,
  [
    /exec.*(executable file not found|no such file or directory)/is,
    'CommandProgramNotFound',
    'usererror',
  ],
  [/exec.*(permission denied|exec format|argument list)/is, 'CommandLaunchFailed', 'usererror'],
  [/^/, 'ContainerInvalidSettings', 'usererror'],
];

function failureBy(rules: readonly Rule[], what: string, said: string): StepFailure {
  const text = said.trim().slice(0, MESSAGE_MAX);
  const found = rules.find(([pattern]) => pattern.test(text));
  const [, code, category] = found ?? [/^/, 'ContainerMiscError', 'servererror' as const];
  return new StepFailure(code, category, `${what}.`, [{ name: 'Message', value: text }]);
}

/** Why an image could not be had, by the contract's codes and what the engine said. */
export const pullFailure = (image: string, said: string) =>
  failureBy(OF_PULL, `The container image ${image} could not be pulled`, said);

/** Why a container could not be made: of the task's settings, unless the engine itself is at fault. */
export const createFailure = (image: string, said: string) =>
  failureBy(OF_CREATE, `A container of the image ${image} could not be created`, said);

/** Why a container could not be started. */
export const startFailure = (image: string, said: string) =>
  failureBy(OF_START, `The container of the image ${image} could not be started`, said);
