import * as z from 'zod';
import { anyCase, DeallocationOption, duration, nonEmpty, Time, Url } from './common.js';
import { DEFAULTS, LIMITS } from './limits.js';

/** Body of Pool_RemoveNodes. */
export const NodeRemove = z.object({
  nodeList: z
    .array(nonEmpty(LIMITS.pathLength))
    .min(1, 'must hold at least one node id')
    .max(LIMITS.nodesPerRemove, `must hold at most ${LIMITS.nodesPerRemove} node ids`),
  resizeTimeout: duration({ minimum: LIMITS.resizeTimeoutMinimumMs }).default(
    DEFAULTS.resizeTimeout,
  ),
  nodeDeallocationOption: DeallocationOption.default('requeue'),
});
export type NodeRemove = z.output<typeof NodeRemove>;

export const NodeReboot = z.object({ nodeRebootOption: DeallocationOption.default('requeue') });
export type NodeReboot = z.output<typeof NodeReboot>;

export const NodeReimage = z.object({ nodeReimageOption: DeallocationOption.default('requeue') });
export type NodeReimage = z.output<typeof NodeReimage>;

export const NodeDisableScheduling = z.object({
  nodeDisableSchedulingOption: anyCase(['requeue', 'terminate', 'taskcompletion']).default(
    'requeue',
  ),
});
export type NodeDisableScheduling = z.output<typeof NodeDisableScheduling>;

const credentials = {
  expiryTime: Time.optional(),
  password: nonEmpty(256).optional(),
  sshPublicKey: nonEmpty(16_384).optional(),
};
export const NodeUserAdd = z.object({
  name: nonEmpty(LIMITS.userAccountNameLength).regex(
    /^[A-Za-z_][\w.-]*$/,
    'must be a valid user name',
  ),
  isAdmin: z.boolean().default(false),
  ...credentials,
});
export type NodeUserAdd = z.output<typeof NodeUserAdd>;

export const NodeUserUpdate = z.object(credentials);
export type NodeUserUpdate = z.output<typeof NodeUserUpdate>;

export const NodeUploadLogs = z.object({
  containerUrl: Url,
  startTime: Time,
  endTime: Time.optional(),
});
export type NodeUploadLogs = z.output<typeof NodeUploadLogs>;
