import { accountOf } from '../account-of.js';
import { armId } from '../arm-id.js';
import { about } from '../failure.js';
import { given, objectOf, textOf, type Properties } from '../json.js';
import { ACCOUNT_SHAPE, type LookUp } from './look-up.js';

const titleOf = (args: Properties) => `Account ${String(args.accountName)}`;

export const getAccount: LookUp = {
  shape: ACCOUNT_SHAPE,
  required: ['accountName'],
  read: (args, ports) =>
    about(titleOf(args), async () => {
      const account = accountOf(args);
      const found = await ports.accounts.get(account);
      return given({
        id: armId(account),
        ...account,
        location: found.location,
        tags: objectOf(found.tags),
        accountEndpoint: found.accountEndpoint,
        provisioningState: found.provisioningState,
        poolQuota: found.poolQuota,
        dedicatedCoreQuota: found.dedicatedCoreQuota,
        lowPriorityCoreQuota: found.lowPriorityCoreQuota,
        activeJobAndJobScheduleQuota: found.activeJobAndJobScheduleQuota,
      });
    }),
};

export const listAccountKeys: LookUp = {
  shape: ACCOUNT_SHAPE,
  required: ['accountName'],
  secret: ['primary', 'secondary'],
  read: (args, ports) =>
    about(titleOf(args), async () => ({ ...(await ports.accounts.keys(accountOf(args))) })),
};

export const getApplication: LookUp = {
  shape: { ...ACCOUNT_SHAPE, applicationName: 'text' },
  required: ['accountName', 'applicationName'],
  read: (args, ports) =>
    about(`Application ${String(args.applicationName)} (account ${String(args.accountName)})`, () =>
      applicationOf(args, ports),
    ),
};

async function applicationOf(
  args: Properties,
  ports: Parameters<LookUp['read']>[1],
): Promise<Properties> {
  const account = accountOf(args);
  const applicationName = String(args.applicationName);
  const found = await ports.applications.get(account, applicationName);
  return given({
    id: armId(account, 'applications', applicationName),
    ...account,
    applicationName,
    displayName: textOf(found.displayName),
    allowUpdates: found.allowUpdates ?? true,
    defaultVersion: textOf(found.defaultVersion),
  });
}
