/** The names under which impl.ts exports the kinds. They are in the state of every stack: never rename one. */
export const KIND_NAMES = [
  'account',
  'storageContainer',
  'certificate',
  'pool',
  'job',
  'jobSchedule',
  'application',
  'applicationPackage',
  'task',
  'taskCollection',
  'image',
] as const;
export type KindName = (typeof KIND_NAMES)[number];

/**
 * What a stack's state holds of the provider: this text and nothing else. Pulumi evaluates it in the
 * program's folder, so the code is always the installed package's, also for state that an older version
 * wrote. The text must stay the same over releases; test/provider keeps a copy of it.
 */
export const pointerTo = (kind: KindName): string =>
  `exports.handler=()=>require("@batchyard/pulumi/impl").${kind};`;

/** Pulumi's name for the property that holds it. */
export const POINTER_PROPERTY = '__provider';

/** Type tokens are fixed for ever as well: another token would replace every resource. */
export const typeToken = (className: string): string =>
  `pulumi-nodejs:dynamic/batchyard:${className}`;
