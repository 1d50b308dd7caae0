import type { Settings } from '../core/settings.js';
import type { Configuration, Image } from './schema.js';

/** The part of the core's settings that is configured; the rest has one value everywhere. */
export function settingsOf({
  images,
  vmSizes,
  leases,
  limits,
  jobScheduleMinimumInterval,
  autoScaleMinimumInterval,
  quotas,
}: Configuration): Pick<
  Settings,
  | 'images'
  | 'vmSizes'
  | 'heartbeatIntervalMs'
  | 'leaseMs'
  | 'leaseGraceMs'
  | 'bootTimeoutMs'
  | 'stopTimeoutMs'
  | 'jobScheduleMinimumIntervalMs'
  | 'autoScaleMinimumIntervalMs'
  | 'quotas'
> {
  return {
    images: images.map(supported),
    vmSizes,
    heartbeatIntervalMs: leases.heartbeatInterval,
    leaseMs: leases.lease,
    leaseGraceMs: leases.grace,
    bootTimeoutMs: limits.nodeBootTimeout,
    stopTimeoutMs: limits.taskStopTimeout,
    jobScheduleMinimumIntervalMs: jobScheduleMinimumInterval,
    autoScaleMinimumIntervalMs: autoScaleMinimumInterval,
    quotas,
  };
}

const supported = (image: Image): Settings['images'][number] => ({
  publisher: image.publisher,
  offer: image.offer,
  sku: image.sku,
  version: image.version,
  nodeAgentSkuId: image.nodeAgentSkuId,
  osType: image.osType,
  verificationType: image.verificationType,
  nodeProvider: image.provider,
});
