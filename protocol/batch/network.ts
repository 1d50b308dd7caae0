import * as z from 'zod';
import { anyCase, IdentityReference, int32, nonEmpty, RelativePath, Url } from './common.js';
import { LIMITS } from './limits.js';

/** Ports that the service keeps for itself (the contract's section 4.4). */
const RESERVED_BACKEND_PORTS: readonly number[] = [22, 3389, 29876, 29877];
const PORT_RANGE_MINIMUM = 40;

/** Who is meant by Azure's default tags: see agent/node/firewall.ts. */
const SOURCE_TAGS: readonly string[] = ['*', 'virtualnetwork', 'internet', 'azureloadbalancer'];
const PORT_MAXIMUM = 65_535;

/** `*`, a port or `first-last`; undefined: none of these. */
export function portRangeOf(text: string): [number, number] | undefined {
  if (text === '*') return [0, PORT_MAXIMUM];
  const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  const range: [number, number] = [Number(first), Number(last)];
  return first !== undefined && range[0] <= range[1] && range[1] <= PORT_MAXIMUM
    ? range
    : undefined;
}

const Address = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]);

const isSource = (text: string) =>
  SOURCE_TAGS.includes(text.toLowerCase()) || Address.safeParse(text).success;

const SecurityRule = z.object({
  priority: int32(150, 4096),
  access: anyCase(['allow', 'deny']),
  sourceAddressPrefix: z.string().refine(isSource, {
    message: `allowed are an address, a network such as 192.168.1.0/24, and ${SOURCE_TAGS.join(', ')}`,
  }),
  sourcePortRanges: z
    .array(
      z.string().refine((text) => portRangeOf(text) !== undefined, {
        message: 'allowed are *, a port, or a range such as 100-200',
      }),
    )
    .max(100)
    .default(['*']),
});

const InboundNatPool = z
  .object({
    name: z
      .string()
      .max(LIMITS.natPoolNameLength)
      .regex(
        /^[a-z0-9]([a-z0-9_.-]*[a-z0-9_])?$/i,
        'must start with a letter or digit, end with a letter, digit or underscore, and hold only these, dots and hyphens',
      ),
    protocol: anyCase(['tcp', 'udp']),
    backendPort: int32(1, 65_535).refine((port) => !RESERVED_BACKEND_PORTS.includes(port), {
      message: `must not be one of ${RESERVED_BACKEND_PORTS.join(', ')}`,
    }),
    frontendPortRangeStart: int32(1, 65_534),
    frontendPortRangeEnd: int32(1, 65_534),
    networkSecurityGroupRules: z
      .array(SecurityRule)
      .max(LIMITS.networkSecurityGroupRules)
      .refine((rules) => new Set(rules.map(({ priority }) => priority)).size === rules.length, {
        message: 'priorities must be unique',
      })
      .optional(),
  })
  .superRefine((pool, context) => {
    const { frontendPortRangeStart: start, frontendPortRangeEnd: end } = pool;
    if (end - start + 1 < PORT_RANGE_MINIMUM)
      context.addIssue({
        code: 'custom',
        path: ['frontendPortRangeEnd'],
        message: `the range must hold at least ${PORT_RANGE_MINIMUM} ports`,
      });
    if (start <= 55_000 && end >= 50_000)
      context.addIssue({
        code: 'custom',
        path: ['frontendPortRangeStart'],
        message: 'the range must not touch 50000 to 55000',
      });
  });

const EndpointConfiguration = z.object({
  inboundNATPools: z
    .array(InboundNatPool)
    .max(LIMITS.inboundNatPools)
    .superRefine((pools, context) => {
      for (const [at, pool] of pools.entries())
        for (const other of pools.slice(0, at)) {
          if (pool.name.toLowerCase() === other.name.toLowerCase())
            context.addIssue({
              code: 'custom',
              path: [at, 'name'],
              message: 'names must be unique',
            });
          if (
            pool.frontendPortRangeStart <= other.frontendPortRangeEnd &&
            pool.frontendPortRangeEnd >= other.frontendPortRangeStart
          )
            context.addIssue({
              code: 'custom',
              path: [at, 'frontendPortRangeStart'],
              message: 'port ranges must not overlap',
            });
        }
    }),
});

const PublicIpAddressConfiguration = z
  .object({
    provision: anyCase(['batchmanaged', 'usermanaged', 'nopublicipaddresses']).default(
      'batchmanaged',
    ),
    ipAddressIds: z.array(nonEmpty(LIMITS.pathLength)).max(100).optional(),
  })
  .superRefine((address, context) => {
    if (address.ipAddressIds !== undefined && address.provision !== 'usermanaged')
      context.addIssue({
        code: 'custom',
        path: ['ipAddressIds'],
        message: 'is valid only with provision usermanaged',
      });
  });

export const NetworkConfiguration = z.object({
  subnetId: nonEmpty(LIMITS.pathLength).optional(),
  dynamicVNetAssignmentScope: anyCase(['none', 'job']).default('none'),
  endpointConfiguration: EndpointConfiguration.optional(),
  publicIPAddressConfiguration: PublicIpAddressConfiguration.optional(),
});
export type NetworkConfiguration = z.output<typeof NetworkConfiguration>;

const MOUNT_KINDS = [
  'azureBlobFileSystemConfiguration',
  'nfsMountConfiguration',
  'cifsMountConfiguration',
  'azureFileShareConfiguration',
] as const;

const MountConfiguration = z
  .object({
    azureBlobFileSystemConfiguration: z
      .object({
        accountName: nonEmpty(256),
        containerName: nonEmpty(256),
        relativeMountPath: RelativePath,
        accountKey: z.string().optional(),
        sasKey: z.string().optional(),
        identityReference: IdentityReference.optional(),
        blobfuseOptions: z.string().optional(),
      })
      .optional(),
    nfsMountConfiguration: z
      .object({
        source: nonEmpty(LIMITS.pathLength),
        relativeMountPath: RelativePath,
        mountOptions: z.string().optional(),
      })
      .optional(),
    cifsMountConfiguration: z
      .object({
        username: nonEmpty(256),
        password: nonEmpty(256),
        source: nonEmpty(LIMITS.pathLength),
        relativeMountPath: RelativePath,
        mountOptions: z.string().optional(),
      })
      .optional(),
    azureFileShareConfiguration: z
      .object({
        accountName: nonEmpty(256),
        azureFileUrl: Url,
        accountKey: nonEmpty(1024),
        relativeMountPath: RelativePath,
        mountOptions: z.string().optional(),
      })
      .optional(),
  })
  .superRefine((mount, context) => {
    const kinds = MOUNT_KINDS.filter((kind) => mount[kind] !== undefined);
    if (kinds.length !== 1)
      context.addIssue({
        code: 'custom',
        path: [kinds[1] ?? MOUNT_KINDS[0]],
        message: `exactly one of ${MOUNT_KINDS.join(', ')} must be given`,
      });
  });
export const MountConfigurations = z.array(MountConfiguration).max(LIMITS.mountsPerPool);
