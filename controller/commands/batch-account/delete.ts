import { BatchError } from '../../../protocol/batch/errors.js';
import type { AccountKey } from '../../../protocol/keys.js';
import type { Command } from '../../engine/command.js';
import { findAccount } from './find-account.js';

/** BatchAccount_Delete: refused while the account has pools, jobs or job schedules. */
export const batchAccountDelete = ({ account }: { account: AccountKey }): Command<void> => ({
  name: 'batchAccountDelete',
  run(transaction) {
    const { state } = transaction;
    const present = findAccount(transaction, account);
    for (const [kind, table] of [
      ['pool', state.pools],
      ['job', state.jobs],
      ['job schedule', state.jobSchedules],
    ] as const)
      for (const entity of table.values())
        if (entity.account === account)
          throw new BatchError(
            'OperationInvalidForCurrentState',
            [{ key: 'Reason', value: `The account still has the ${kind} ${entity.id}` }],
            `The account ${present.name} still has the ${kind} ${entity.id}; delete it first.`,
          );
    for (const certificate of [...state.certificates.values()]) {
      if (certificate.account !== account) continue;
      state.certificates.delete(certificate.key);
      transaction.removed('certificate', certificate);
    }
    for (const one of [...state.applicationPackages.values()]) {
      if (one.account !== account) continue;
      state.applicationPackages.delete(one.key);
      transaction.removed('applicationPackage', one);
    }
    for (const application of [...state.applications.values()]) {
      if (application.account !== account) continue;
      state.applications.delete(application.key);
      transaction.removed('application', application);
    }
    state.accounts.delete(account);
    transaction.removed('account', present);
  },
});
