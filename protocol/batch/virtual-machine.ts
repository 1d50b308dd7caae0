import * as z from 'zod';
import { anyCase, ContainerRegistry, int32, nonEmpty } from './common.js';
import { LIMITS } from './limits.js';

/** A marketplace triple, or a custom image's id. `version` is `latest` where a triple leaves it out. */
export const ImageReference = z
  .object({
    publisher: nonEmpty(LIMITS.pathLength).optional(),
    offer: nonEmpty(LIMITS.pathLength).optional(),
    sku: nonEmpty(LIMITS.pathLength).optional(),
    version: nonEmpty(LIMITS.pathLength).optional(),
    virtualMachineImageId: nonEmpty(LIMITS.pathLength).optional(),
  })
  .superRefine((image, context) => {
    const triple = (['publisher', 'offer', 'sku'] as const).filter(
      (name) => image[name] !== undefined,
    );
    if (image.virtualMachineImageId !== undefined) {
      if (triple.length > 0)
        context.addIssue({
          code: 'custom',
          path: ['virtualMachineImageId'],
          message: 'virtualMachineImageId and publisher, offer, sku are mutually exclusive',
        });
      return;
    }
    for (const name of ['publisher', 'offer', 'sku'] as const)
      if (image[name] === undefined)
        context.addIssue({
          code: 'custom',
          path: [name],
          message: 'is required without virtualMachineImageId',
        });
  })
  .transform((image) =>
    image.virtualMachineImageId === undefined
      ? { ...image, version: image.version ?? 'latest' }
      : image,
  );

export type ImageReference = z.output<typeof ImageReference>;

const DataDisk = z.object({
  lun: int32(0, 63),
  diskSizeGB: int32(1, 65_536),
  caching: anyCase(['none', 'readonly', 'readwrite']).default('readwrite'),
  storageAccountType: anyCase(['standard_lrs', 'premium_lrs']).optional(),
});

const Extension = z.object({
  name: nonEmpty(LIMITS.pathLength),
  publisher: nonEmpty(LIMITS.pathLength),
  type: nonEmpty(LIMITS.pathLength),
  typeHandlerVersion: z.string().optional(),
  autoUpgradeMinorVersion: z.boolean().optional(),
  settings: z.unknown().optional(),
  protectedSettings: z.unknown().optional(),
  provisionAfterExtensions: z.array(z.string()).max(100).optional(),
});

export const VirtualMachineConfiguration = z.object({
  imageReference: ImageReference,
  nodeAgentSKUId: nonEmpty(LIMITS.pathLength),
  windowsConfiguration: z.object({ enableAutomaticUpdates: z.boolean().default(true) }).optional(),
  dataDisks: z
    .array(DataDisk)
    .max(64)
    .refine(
      (disks) => new Set(disks.map((disk) => disk.lun)).size === disks.length,
      'luns must be distinct',
    )
    .optional(),
  licenseType: anyCase(['Windows_Server', 'Windows_Client']).optional(),
  containerConfiguration: z
    .object({
      type: anyCase(['dockerCompatible', 'criCompatible']),
      containerImageNames: z.array(nonEmpty(LIMITS.pathLength)).max(1000).optional(),
      containerRegistries: z.array(ContainerRegistry).max(100).optional(),
    })
    .optional(),
  diskEncryptionConfiguration: z
    .object({
      targets: z
        .array(anyCase(['osdisk', 'temporarydisk']))
        .max(2)
        .optional(),
    })
    .optional(),
  nodePlacementConfiguration: z
    .object({
      /** `zonal` spreads the nodes over hypervisors. */
      policy: anyCase(['regional', 'zonal']).default('regional'),
      /** Extension: only hypervisors with all of these labels take nodes of the pool. */
      hypervisorLabels: z
        .record(nonEmpty(64), z.string().max(256))
        .refine((labels) => Object.keys(labels).length <= 16, 'must hold at most 16 labels')
        .optional(),
    })
    .optional(),
  extensions: z.array(Extension).max(100).optional(),
  osDisk: z
    .object({
      ephemeralOSDiskSettings: z
        .object({ placement: anyCase(['cachedisk']).optional() })
        .optional(),
    })
    .optional(),
  /** Batchyard's own: nodes go on from a memory image of a booted guest instead of booting (docs/extensions.md). */
  resumedNodes: z.boolean().optional(),
});
export type VirtualMachineConfiguration = z.output<typeof VirtualMachineConfiguration>;
