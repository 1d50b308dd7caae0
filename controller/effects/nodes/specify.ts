import type { AccessRule } from '../../../protocol/agent/enrol.js';
import { portRangeOf } from '../../../protocol/batch/network.js';
import type { NetworkConfiguration } from '../../../protocol/batch/network.js';
import type { NodeKey } from '../../../protocol/keys.js';
import type { Node } from '../../core/node/state.js';
import type { Pool } from '../../core/pool/state.js';
import type { VmSize } from '../../core/settings.js';
import { NodeProvisionError } from './provider.js';
import type { NodeSpecification } from './provider.js';

export interface SpecifyPorts {
  vmSizes: readonly VmSize[];
  /** Where an agent calls: its URL and, for https by the own CA, what to trust. */
  controller(pool: Readonly<Pool>): { controllerUrl: string; caPem?: string };
  enrolmentToken(nodeKey: NodeKey, incarnation: number): string;
}

/** Image, size and seed of one incarnation of a node; throws NodeProvisionError for what is no longer offered. */
export function specify(
  ports: SpecifyPorts,
  pool: Readonly<Pool>,
  node: Readonly<Node>,
): NodeSpecification {
  // A reboot goes on with the disk that there is, whatever image the pool has by now.
  const image =
    node.imageReference ??
    pool.specification.virtualMachineConfiguration?.imageReference ??
    pool.cloudServiceImage;
  const vmSize = ports.vmSizes.find((size) => size.name === pool.specification.vmSize);
  if (image === undefined || vmSize === undefined) {
    throw new NodeProvisionError(
      'AllocationFailed',
      `VM size ${pool.specification.vmSize} or the image of pool ${pool.id} is no longer offered`,
    );
  }
  const dataDisks = pool.specification.virtualMachineConfiguration?.dataDisks;
  const { publisher = '', offer = '', sku = '', version = 'latest' } = image;
  const id = 'virtualMachineImageId' in image ? image.virtualMachineImageId : undefined;
  return {
    nodeKey: node.key,
    nodeId: node.id,
    poolId: pool.id,
    account: pool.account,
    incarnation: node.incarnation,
    seed: {
      ...ports.controller(pool),
      token: ports.enrolmentToken(node.key, node.incarnation),
    },
    vmSize,
    image: {
      ...{ publisher, offer, sku, version },
      ...(id === undefined ? {} : { virtualMachineImageId: id }),
    },
    ...(node.hypervisor === undefined ? {} : { hypervisor: node.hypervisor }),
    ...(node.hostDevices === undefined ? {} : { hostDevices: node.hostDevices }),
    ...(dataDisks === undefined ? {} : { dataDisks: inOrder(dataDisks) }),
    disk: node.state === 'rebooting' ? 'keep' : 'new',
    ...networkOf(pool, node.number ?? 0),
    resumed: pool.specification.virtualMachineConfiguration?.resumedNodes === true,
  };
}

/** Azure's ports of the rule that every node has for its secure shell. */
const SSH_RANGE = [50_000, 54_999] as const;

/** The network by the last part of the subnet's id; the ports that the pool's endpoints promise. */
function networkOf(pool: Readonly<Pool>, number: number): Partial<NodeSpecification> {
  const { subnetId, endpointConfiguration } = pool.specification.networkConfiguration ?? {};
  const network = subnetId?.split('/').at(-1);
  const wanted = (range: readonly [number, number], protocol: 'tcp' | 'udp', port: number) => ({
    ...{ protocol, backendPort: port, range },
    preferred: range[0] + (number % (range[1] - range[0] + 1)),
  });
  const own = (endpointConfiguration?.inboundNATPools ?? []).map((nat) => ({
    ...wanted(
      [nat.frontendPortRangeStart, nat.frontendPortRangeEnd],
      nat.protocol,
      nat.backendPort,
    ),
    ...(nat.networkSecurityGroupRules && { rules: rulesOf(nat.networkSecurityGroupRules) }),
  }));
  return {
    ...(network === undefined ? {} : { network }),
    interNode: pool.specification.enableInterNodeCommunication,
    forwards: [wanted(SSH_RANGE, 'tcp', 22), ...own],
  };
}

/** The source of a rule by Azure's default tags; nobody here is its load balancer. */
const TAGGED: Readonly<Record<string, string | undefined>> = {
  '*': undefined,
  virtualnetwork: 'neighbours',
  internet: 'others',
};
const LOAD_BALANCER = 'azureloadbalancer';

type NatPool = NonNullable<
  NetworkConfiguration['endpointConfiguration']
>['inboundNATPools'][number];
type SecurityRule = NonNullable<NatPool['networkSecurityGroupRules']>[number];

/** By priority: the lowest number counts first. */
function rulesOf(rules: readonly SecurityRule[]): AccessRule[] {
  return [...rules]
    .filter(({ sourceAddressPrefix }) => sourceAddressPrefix.toLowerCase() !== LOAD_BALANCER)
    .sort((a, b) => a.priority - b.priority)
    .map(({ access, sourceAddressPrefix, sourcePortRanges }) => {
      const tag = sourceAddressPrefix.toLowerCase();
      const source = tag in TAGGED ? TAGGED[tag] : sourceAddressPrefix;
      const ports = sourcePortRanges.includes('*')
        ? []
        : sourcePortRanges.map(portRangeOf).filter((range) => range !== undefined);
      return {
        allow: access === 'allow',
        ...(source !== undefined && { source }),
        ...(ports.length > 0 && { sourcePorts: ports }),
      };
    });
}

const inOrder = (disks: readonly { lun: number; diskSizeGB: number }[]) =>
  [...disks]
    .sort((a, b) => a.lun - b.lun)
    .map(({ lun, diskSizeGB }) => ({ lun, sizeGiB: diskSizeGB }));
