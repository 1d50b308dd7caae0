import type { Settings } from '../core/settings.js';
import { cronCalendar } from './cron-calendar.js';
import { Hypervisor } from './schema.js';
import type { Configuration, Image } from './schema.js';

/** The part of the core's settings that is configured; the rest has one value everywhere. */
export function settingsOf({
  images,
  cloudServiceImages,
  vmSizes,
  leases,
  limits,
  jobScheduleMinimumInterval,
  emptyJobDelay,
  autoScaleMinimumInterval,
  quotas,
  hypervisors,
  processNodes,
}: Configuration): Pick<
  Settings,
  | 'images'
  | 'cloudServiceImages'
  | 'vmSizes'
  | 'heartbeatIntervalMs'
  | 'leaseMs'
  | 'leaseGraceMs'
  | 'bootTimeoutMs'
  | 'stopTimeoutMs'
  | 'jobScheduleMinimumIntervalMs'
  | 'emptyJobDelayMs'
  | 'nodeDeathsMaximum'
  | 'autoScaleMinimumIntervalMs'
  | 'quotas'
  | 'hypervisors'
  | 'cron'
> {
  return {
    // Those with a url are offered once they are imported.
    images: images.filter(({ url }) => url === undefined).map(supported),
    cloudServiceImages,
    vmSizes,
    heartbeatIntervalMs: leases.heartbeatInterval,
    leaseMs: leases.lease,
    leaseGraceMs: leases.grace,
    bootTimeoutMs: limits.nodeBootTimeout,
    stopTimeoutMs: limits.taskStopTimeout,
    jobScheduleMinimumIntervalMs: jobScheduleMinimumInterval,
    emptyJobDelayMs: emptyJobDelay,
    nodeDeathsMaximum: limits.nodeDeathsPerTask,
    autoScaleMinimumIntervalMs: autoScaleMinimumInterval,
    quotas,
    hypervisors: [...libvirtHosts(hypervisors).map(libvirtHost), ...processHost(processNodes)],
    cron: cronCalendar(),
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

/** Those that are configured, or this machine's libvirt. */
export const libvirtHosts = (configured: Configuration['hypervisors']): readonly Hypervisor[] =>
  configured.length > 0 ? configured : [Hypervisor.parse({})];

type Place = NonNullable<Settings['hypervisors']>[number];

const libvirtHost = (host: Hypervisor): Place => ({
  name: host.name,
  nodeProvider: 'libvirt',
  discovered: true,
  capacity: host.capacity,
  overCommit: host.overCommit,
  labels: host.labels,
  networks: host.networks,
  hostDevices: host.hostDevices,
  maintenance: host.maintenance,
});

/** This machine, where process nodes are counted; no configured hypervisor can have its name. */
const processHost = (capacity: Configuration['processNodes']): Place[] =>
  Object.keys(capacity).length === 0
    ? []
    : [
        {
          name: '(this machine)',
          nodeProvider: 'process',
          discovered: false,
          capacity,
          overCommit: { vcpus: 1, memory: 1, disk: 1 },
          labels: {},
          hostDevices: [],
          maintenance: false,
        },
      ];
