import type * as pulumi from '@pulumi/pulumi';
import { later, read, type AccountLookUpArgs, type Later } from './look-up.js';

/** A name and a value of the user's own. */
export interface MetadataItemResult {
  name: string;
  value: string;
}

export interface GetPoolArgs extends AccountLookUpArgs {
  poolName: string;
}
export interface GetPoolResult {
  id: string;
  accountName: string;
  resourceGroupName: string;
  poolName: string;
  displayName?: string;
  vmSize: string;
  nodeAgentSkuId: string;
  /** `Succeeded` or `Deleting`. */
  provisioningState: string;
  /** `steady`, `resizing` or `stopping`. */
  allocationState: string;
  currentDedicatedNodes: number;
  currentLowPriorityNodes: number;
  targetDedicatedNodes: number;
  targetLowPriorityNodes: number;
  enableAutoScale: boolean;
  /** Only with `enableAutoScale`. */
  autoScaleFormula?: string;
  taskSlotsPerNode: number;
  /** Why the last resize did not give all nodes: code and message each. */
  resizeErrors: string[];
  /** Without the mark of the owning stack. */
  metadata: MetadataItemResult[];
  /** ISO 8601. */
  creationTime: string;
}
/** Reads a pool that exists. Fails where there is none. */
export const getPool = (args: GetPoolArgs): Promise<GetPoolResult> => read('getPool', args);
export const getPoolOutput = (args: Later<GetPoolArgs>): pulumi.Output<GetPoolResult> =>
  later('getPool', args);

export interface ListComputeNodesArgs extends AccountLookUpArgs {
  poolName: string;
}
export interface ComputeNodeResult {
  id: string;
  /** `idle`, `running`, `starting` and so on. */
  state: string;
  ipAddress?: string;
  vmSize?: string;
  isDedicated?: boolean;
  runningTasksCount?: number;
}
export interface ListComputeNodesResult {
  nodes: ComputeNodeResult[];
}
/** Lists the nodes that a pool has now. */
export const listComputeNodes = (args: ListComputeNodesArgs): Promise<ListComputeNodesResult> =>
  read('listComputeNodes', args);
export const listComputeNodesOutput = (
  args: Later<ListComputeNodesArgs>,
): pulumi.Output<ListComputeNodesResult> => later('listComputeNodes', args);

export interface GetRemoteLoginSettingsArgs extends AccountLookUpArgs {
  poolName: string;
  /** As `listComputeNodes` shows it. */
  nodeId: string;
}
export interface GetRemoteLoginSettingsResult {
  remoteLoginIPAddress: string;
  /** TCP port for ssh. */
  remoteLoginPort: number;
}
/** Reads where a node is reached with ssh. */
export const getRemoteLoginSettings = (
  args: GetRemoteLoginSettingsArgs,
): Promise<GetRemoteLoginSettingsResult> => read('getRemoteLoginSettings', args);
export const getRemoteLoginSettingsOutput = (
  args: Later<GetRemoteLoginSettingsArgs>,
): pulumi.Output<GetRemoteLoginSettingsResult> => later('getRemoteLoginSettings', args);

export interface ListSupportedImagesArgs extends AccountLookUpArgs {
  /** OData: `osType eq 'linux'`, `verificationType eq 'verified'`. */
  filter?: string;
}
export interface SupportedImageReference {
  publisher?: string;
  offer?: string;
  sku?: string;
  version?: string;
}
export interface SupportedImage {
  /** What a pool's `nodeAgentSkuId` has to be with this image. */
  nodeAgentSkuId: string;
  imageReference: SupportedImageReference;
  /** `linux` or `windows`. */
  osType: string;
  /** `verified` or `unverified`. */
  verificationType: string;
  capabilities: string[];
}
export interface ListSupportedImagesResult {
  images: SupportedImage[];
}
/** Lists the images that nodes can be made of. */
export const listSupportedImages = (
  args: ListSupportedImagesArgs,
): Promise<ListSupportedImagesResult> => read('listSupportedImages', args);
export const listSupportedImagesOutput = (
  args: Later<ListSupportedImagesArgs>,
): pulumi.Output<ListSupportedImagesResult> => later('listSupportedImages', args);
