import { BatchError, invalidPropertyValue } from '../../../protocol/batch/errors.js';
import type { PoolAdd } from '../../../protocol/batch/pool.js';
import { poolKey } from '../../../protocol/keys.js';
import { durationMs } from '../../../protocol/time.js';
import { queueAll } from '../../core/job/disable.js';
import { samplePool } from '../../core/autoscale/sampler.js';
import { evaluatePool } from '../../core/pool/autoscale.js';
import type { Pool } from '../../core/pool/state.js';
import { beginResize } from '../../core/pool/transition.js';
import {
  entityReply,
  type Command,
  type EntityReply,
  type Transaction,
} from '../../engine/command.js';
import type { Input } from '../find.js';
import { checkAutoScale } from './autoscale-settings.js';
import { checkApplicationPackages } from './application-packages.js';
import { checkCertificates } from './certificates.js';

const DEFAULT_RESIZE_TIMEOUT_MS = 15 * 60_000;

/** Pool_Add: `resizing` at once, even to no nodes. */
export const poolAdd = ({ account, body }: Input<PoolAdd>): Command<EntityReply> => ({
  name: 'poolAdd',
  run(transaction) {
    const { state, now } = transaction;
    const key = poolKey(account, body.id);
    const present = state.pools.get(key);
    if (present !== undefined)
      throw new BatchError(present.state === 'deleting' ? 'PoolBeingDeleted' : 'PoolExists');
    const nodeProvider = providerOf(transaction, body);
    checkSize(transaction, body);
    checkCertificates(transaction, account, body.certificateReferences);
    checkApplicationPackages(transaction, account, body.applicationPackageReferences);
    if (body.enableAutoScale) checkAutoScale(transaction.settings, body);
    checkQuota(transaction, account);
    const pool: Pool = {
      key,
      account,
      id: body.id,
      specification: body,
      state: 'active',
      stateTransitionTime: now,
      allocationState: 'steady',
      allocationStateTransitionTime: now,
      targetDedicatedNodes: body.targetDedicatedNodes ?? 0,
      targetLowPriorityNodes: body.targetLowPriorityNodes ?? 0,
      resize: { startTime: now, timeoutMs: 0, nodeDeallocationOption: 'requeue' },
      resizeErrors: [],
      nodeProvider,
      creationTime: now,
      lastModified: now,
      version: 1,
    };
    state.addPool(pool);
    // Jobs may have waited for it, with tasks that a pool of the same name could not hold.
    for (const job of state.jobs.values())
      if (job.pool === key && job.state === 'active') queueAll(transaction, job);
    const timeoutMs =
      body.resizeTimeout === undefined ? DEFAULT_RESIZE_TIMEOUT_MS : durationMs(body.resizeTimeout);
    if (body.enableAutoScale) evaluatePool(transaction, pool);
    else samplePool(transaction, pool);
    beginResize(transaction, pool, timeoutMs, 'requeue');
    return entityReply(pool);
  },
});

const same = (a: string | undefined, b: string) => a?.toLowerCase() === b.toLowerCase();

/** The image decides who makes the nodes; it must be known and pair with the node agent SKU. */
function providerOf({ settings }: Transaction, body: PoolAdd): 'process' | 'libvirt' {
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
  return image.nodeProvider;
}

/** Task slots: at most four for each core, and 256. */
function checkSize({ settings }: Transaction, body: PoolAdd): void {
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

function checkQuota({ state }: Transaction, account: Input['account']): void {
  const quota = state.accounts.get(account)?.quotas.pools ?? Infinity;
  let count = 0;
  for (const pool of state.pools.values()) if (pool.account === account) count += 1;
  if (count >= quota)
    throw new BatchError('PoolQuotaReached', [{ key: 'Quota', value: String(quota) }]);
}
