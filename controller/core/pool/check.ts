import { BatchError, invalidPropertyValue } from '../../../protocol/batch/errors.js';
import type { PoolAdd } from '../../../protocol/batch/pool.js';
import type { AccountKey } from '../../../protocol/keys.js';
import type { Recorder } from '../recorder.js';
import { checkApplicationPackages } from './application-package-references.js';
import { checkAutoScale } from './autoscale-settings.js';
import { checkCertificates } from './certificate-references.js';
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
  const nodeProvider = providerOf(recorder, body);
  checkSize(recorder, body);
  checkCertificates(recorder, account, body.certificateReferences);
  checkApplicationPackages(recorder, account, body.applicationPackageReferences);
  if (body.enableAutoScale) checkAutoScale(recorder.settings, body);
  checkQuota(recorder, account);
  return nodeProvider;
}

const same = (a: string | undefined, b: string) => a?.toLowerCase() === b.toLowerCase();

/** The image decides who makes the nodes; it must be known and pair with the node agent SKU. */
function providerOf({ settings }: Recorder, body: PoolAdd): 'process' | 'libvirt' {
  const configuration = body.virtualMachineConfiguration;
  if (configuration === undefined)
    throw invalidPropertyValue(
      'cloudServiceConfiguration',
      body.cloudServiceConfiguration?.osFamily ?? '',
      'only virtualMachineConfiguration is supported',
    );
  const wanted = configuration.imageReference;
  if (wanted.virtualMachineImageId !== undefined)
    throw invalidPropertyValue(
      'virtualMachineImageId',
      wanted.virtualMachineImageId,
      'custom images are not supported',
    );
  const image = settings.images.find(
    (one) =>
      same(wanted.publisher, one.publisher) &&
      same(wanted.offer, one.offer) &&
      same(wanted.sku, one.sku) &&
      (same(wanted.version, 'latest') || same(wanted.version, one.version)),
  );
  const text = [wanted.publisher, wanted.offer, wanted.sku, wanted.version].join(':');
  if (image === undefined)
    throw invalidPropertyValue(
      'imageReference',
      text,
      `the image is not one of ${settings.images.map((one) => `${one.publisher}:${one.offer}:${one.sku}`).join(', ')}`,
    );
  if (!same(configuration.nodeAgentSKUId, image.nodeAgentSkuId))
    throw invalidPropertyValue(
      'imageReference',
      text,
      `the image needs nodeAgentSKUId ${image.nodeAgentSkuId}, not ${configuration.nodeAgentSKUId}`,
    );
  if (configuration.windowsConfiguration !== undefined && image.osType !== 'windows')
    throw invalidPropertyValue('windowsConfiguration', '', `${text} is not a Windows image`);
  return image.nodeProvider;
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
