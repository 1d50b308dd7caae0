import type { Command } from '../../engine/command.js';
import type { BodyLess } from '../find.js';
import { conflict, findApplication, packagesOf } from './find.js';

/** Application_Delete: its packages go first. */
export const applicationDelete = ({
  account,
  applicationName,
}: BodyLess & { applicationName: string }): Command<void> => ({
  name: 'applicationDelete',
  run(transaction) {
    const application = findApplication(transaction, account, applicationName);
    const [one] = packagesOf(transaction, application);
    if (one !== undefined)
      throw conflict(
        `The application ${application.id} still has the package ${one.versionName}; delete it first.`,
      );
    transaction.state.applications.delete(application.key);
    transaction.removed('application', application);
  },
});
