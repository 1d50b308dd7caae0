/** What a controller offers without any configuration: images and VM sizes. */
import type { Image, VmSize } from './schema.js';

export const PROCESS_IMAGE = {
  publisher: 'batchyard',
  offer: 'process',
  sku: 'local',
  version: 'latest',
  nodeAgentSkuId: 'batch.node.process',
  osType: 'linux',
  verificationType: 'verified',
  provider: 'process',
} as const satisfies Image;

const size = (name: string, vcpus: number, memoryMiB: number, diskGiB: number): VmSize => ({
  name,
  vcpus,
  memoryMiB,
  diskGiB,
});

/** Azure's names with Azure's sizes, and two small ones for real VMs on small hosts. Names are compared without case. */
export const VM_SIZES: readonly VmSize[] = [
  size('batchyard_tiny', 1, 384, 4),
  size('batchyard_small', 2, 512, 8),
  size('standard_a1', 1, 1792, 70),
  size('standard_a2', 2, 3584, 135),
  size('small', 1, 1792, 70),
  size('medium', 2, 3584, 135),
  size('large', 4, 7168, 285),
  size('extralarge', 8, 14336, 605),
  size('standard_a1_v2', 1, 2048, 10),
  size('standard_a2_v2', 2, 4096, 20),
  size('standard_a4_v2', 4, 8192, 40),
  size('standard_a8_v2', 8, 16384, 80),
  size('standard_d1', 1, 3584, 50),
  size('standard_d2', 2, 7168, 100),
  size('standard_d1_v2', 1, 3584, 50),
  size('standard_d2_v2', 2, 7168, 100),
  size('standard_d3_v2', 4, 14336, 200),
  size('standard_d4_v2', 8, 28672, 400),
  size('standard_d2_v3', 2, 8192, 50),
  size('standard_d4_v3', 4, 16384, 100),
  size('standard_d2s_v3', 2, 8192, 16),
  size('standard_d4s_v3', 4, 16384, 32),
  size('standard_d8_v3', 8, 32768, 200),
  size('standard_d16_v3', 16, 65536, 400),
  size('standard_d8s_v3', 8, 32768, 64),
  size('standard_d16s_v3', 16, 65536, 128),
  size('standard_e2_v3', 2, 16384, 50),
  size('standard_e4_v3', 4, 32768, 100),
  size('standard_e8_v3', 8, 65536, 200),
  // With GPUs, of a hypervisor that has some in its `hostDevices`.
  { ...size('standard_nc6', 6, 57344, 340), hostDevices: { gpu: 1 } },
  { ...size('standard_nc12', 12, 114688, 680), hostDevices: { gpu: 2 } },
  size('standard_f1', 1, 2048, 16),
  size('standard_f2', 2, 4096, 32),
  size('standard_f4', 4, 8192, 64),
];
