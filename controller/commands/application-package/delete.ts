import type { Command } from '../../engine/command.js';
import { conflict, findApplicationPackage } from '../application/find.js';
import type { BodyLess } from '../find.js';

/**
 * ApplicationPackage_Delete: refused for the default version and where updates are not allowed. Pools
 * may still refer to it: their nodes keep what they have until they are made anew. Replies with the
 * blobs that nobody needs any more.
 */
export const applicationPackageDelete = ({
  account,
  applicationName,
  versionName,
}: BodyLess & { applicationName: string; versionName: string }): Command<{ unused: string[] }> => ({
  name: 'applicationPackageDelete',
  run(transaction) {
    const { application, applicationPackage } = findApplicationPackage(
      transaction,
      account,
      applicationName,
      versionName,
    );
    const name = `the package ${applicationPackage.versionName} of the application ${application.id}`;
    if (application.defaultVersion?.toLowerCase() === applicationPackage.versionName.toLowerCase())
      throw conflict(`The default version can't be deleted: it is ${name}.`);
    if (applicationPackage.content !== undefined && !application.allowUpdates)
      throw conflict(`The application does not allow updates: ${name} can't be deleted.`);
    transaction.state.applicationPackages.delete(applicationPackage.key);
    transaction.removed('applicationPackage', applicationPackage);
    const { upload, content } = applicationPackage;
    return { unused: [...new Set([upload, ...(content === undefined ? [] : [content.blob])])] };
  },
});
