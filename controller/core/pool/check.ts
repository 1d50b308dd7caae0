import { BatchError, invalidPropertyValue } from '../../../protocol/batch/errors.js';
import { findImage, type ImageNames } from '../../../protocol/batch/image-reference.js';
import type { PoolAdd } from '../../../protocol/batch/pool.js';
import type { AccountKey } from '../../../protocol/keys.js';
import type { Recorder } from '../recorder.js';
import type { Settings } from '../settings.js';
import { offered } from '../image/offered.js';
import { checkApplicationPackages } from './application-package-references.js';
import { checkAutoScale } from './autoscale-settings.js';
import { checkCertificates } from './certificate-references.js';
import { cloudServiceImage } from './cloud-service.js';
import type { Pool } from './state.js';

/**
 * Refuses a pool that this controller could not make; says who makes its nodes.
 * @throws BatchError for the first thing that is wrong
 */
export function checkPool(
  recorder: Recorder,
  account: AccountKey,
  body: PoolAdd,
): Pool['nodeProvider'] {
  const nodeProvider = imageProvider(recorder, body);
  checkSubnet(nodeProvider, body);
  checkSize(recorder, body);
  checkCertificates(recorder, account, body.certificateReferences);
  checkApplicationPackages(recorder, account, body.applicationPackageReferences);
  if (body.enableAutoScale) checkAutoScale(recorder.settings, body);
  checkQuota(recorder, account);
  return nodeProvider;
}

const same = (a: string | undefined, b: string) => a?.toLowerCase() === b.toLowerCase();

const nameOf = ({ publisher, offer, sku, imageName }: ImageNames) =>
  publisher === '' ? (imageName ?? '') : `${publisher}:${offer}:${sku}`;

/** The image decides who makes the nodes; it must be known and pair with the node agent SKU. */
export function imageProvider(recorder: Recorder, body: PoolAdd): 'process' | 'libvirt' {
  const configuration = body.virtualMachineConfiguration;
  if (configuration === undefined) return cloudServiceProvider(recorder.settings, body);
  const wanted = configuration.imageReference;
  const isCustom = wanted.virtualMachineImageId !== undefined;
  const property = isCustom ? 'virtualMachineImageId' : 'imageReference';
  const text =
    wanted.virtualMachineImageId ??
    [wanted.publisher, wanted.offer, wanted.sku, wanted.version].join(':');
  const images = [...offered(recorder)];
  const image = findImage(images, wanted);
  if (image === undefined)
    throw invalidPropertyValue(
      property,
      text,
      `the image is not one of ${
        images
          .map((one) => (isCustom ? one.imageName : nameOf(one)))
          .filter(Boolean)
          .join(', ') || '(none)'
      }`,
    );
  if (!same(configuration.nodeAgentSKUId, image.nodeAgentSkuId))
    throw invalidPropertyValue(
      property,
      text,
      `the image needs nodeAgentSKUId ${image.nodeAgentSkuId}, not ${configuration.nodeAgentSKUId}`,
    );
  if (configuration.windowsConfiguration !== undefined && image.osType !== 'windows')
    throw invalidPropertyValue('windowsConfiguration', '', `${text} is not a Windows image`);
  return image.nodeProvider;
}

/** There is an image for the family, and it is offered. */
function cloudServiceProvider(settings: Settings, body: PoolAdd): 'process' | 'libvirt' {
  const image = cloudServiceImage(settings, body);
  const offered = settings.images.find(
    (one) =>
      same(image?.publisher, one.publisher) &&
      same(image?.offer, one.offer) &&
      same(image?.sku, one.sku),
  );
  if (offered !== undefined) return offered.nodeProvider;
  throw invalidPropertyValue(
    'osFamily',
    body.cloudServiceConfiguration?.osFamily ?? '',
    `allowed are the families of the configuration's cloudServiceImages: ${Object.keys(settings.cloudServiceImages ?? {}).join(', ')}`,
  );
}

/** Process nodes are on the controller's machine, in no network of their own. */
function checkSubnet(nodeProvider: Pool['nodeProvider'], { networkConfiguration }: PoolAdd): void {
  const subnetId = networkConfiguration?.subnetId;
  if (subnetId !== undefined && nodeProvider === 'process')
    throw invalidPropertyValue('subnetId', subnetId, 'nodes of this image have no subnets');
}

/** Task slots: at most four for each core, and 256. */
function checkSize({ settings }: Recorder, body: PoolAdd): void {
  const size = settings.vmSizes.find((one) => one.name === body.vmSize);
  if (size === undefined)
    throw invalidPropertyValue(
      'vmSize',
      body.vmSize,
      `allowed are ${settings.vmSizes.map((one) => one.name).join(', ')}`,
    );
  const most = Math.min(4 * size.vcpus, 256);
  if (body.taskSlotsPerNode > most)
    throw invalidPropertyValue(
      'taskSlotsPerNode',
      String(body.taskSlotsPerNode),
      `allowed are 1 to ${most} for ${size.name}`,
    );
}

function checkQuota({ state }: Recorder, account: AccountKey): void {
  const quota = state.accounts.get(account)?.quotas.pools ?? Infinity;
  let count = 0;
  for (const pool of state.pools.values()) if (pool.account === account) count += 1;
  if (count >= quota)
    throw new BatchError('PoolQuotaReached', [{ key: 'Quota', value: String(quota) }]);
}
