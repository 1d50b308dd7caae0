import { poolResize } from '../../controller/commands/pool/resize.js';
import type { Hypervisor, Settings } from '../../controller/core/settings.js';
import { PoolResize } from '../../protocol/batch/pool.js';
import { ACCOUNT, CoreDriver } from './core-driver.js';

/** Nodes of the driver's pools have 4 vCPUs, 1024 MiB and 10 GiB. */
export const host = (name: string, vcpus: number | undefined, more: Partial<Hypervisor> = {}) => ({
  name,
  nodeProvider: 'process' as const,
  discovered: false,
  capacity: { vcpus },
  overCommit: { vcpus: 1, memory: 1, disk: 1 },
  labels: {},
  hostDevices: [],
  maintenance: false,
  ...more,
});
/** A controller of these hypervisors. */
export const start = (hypervisors: Hypervisor[], more: Partial<Settings> = {}) =>
  CoreDriver.start({ hypervisors, ...more });
/** The command that resizes a pool. */
export const resize = (poolId: string, body: Record<string, unknown>) =>
  poolResize({ account: ACCOUNT, poolId, body: PoolResize.parse(body) });
/** The hypervisors of a pool’s nodes. */
export const places = (driver: CoreDriver, pool: string) =>
  driver.nodes(pool).map((node) => node.hypervisor);
/** The states of a pool’s nodes, sorted. */
export const states = (driver: CoreDriver, pool: string) =>
  driver
    .nodes(pool)
    .map((node) => node.state)
    .sort();
/** The controller looked at a hypervisor: this is what it found. */
export const seen = async (
  driver: CoreDriver,
  hypervisor: string,
  reachable: boolean,
  more: { reason?: string; capacity?: Hypervisor['capacity'] } = {},
) => {
  driver.engine.report({ type: 'hypervisorSeen', hypervisor, reachable, ...more });
  await driver.rest();
};
