import type { ApplicationPackage } from '../../core/application-package/state.js';
import type { Command } from '../../engine/command.js';
import { conflict, findApplicationPackage } from '../application/find.js';
import type { Input } from '../find.js';

/**
 * ApplicationPackage_Activate: `body` is what was found where the client uploads to. Replies with the
 * blob that nobody needs any more, where there is one.
 */
export const applicationPackageActivate = ({
  account,
  applicationName,
  versionName,
  body,
}: Input<NonNullable<ApplicationPackage['content']>> & {
  applicationName: string;
  versionName: string;
}): Command<{ unused: string | undefined }> => ({
  name: 'applicationPackageActivate',
  run(transaction) {
    const { application, applicationPackage } = findApplicationPackage(
      transaction,
      account,
      applicationName,
      versionName,
    );
    if (applicationPackage.upload !== body.blob)
      throw conflict(
        `The package ${applicationPackage.versionName} of the application ${application.id} was made anew meanwhile; upload its file again.`,
      );
    const before = applicationPackage.content?.blob;
    applicationPackage.content = { blob: body.blob, md5: body.md5, bytes: body.bytes };
    applicationPackage.state = 'active';
    applicationPackage.format = 'zip';
    applicationPackage.lastActivationTime = transaction.now;
    transaction.touched('applicationPackage', applicationPackage);
    return { unused: before === body.blob ? undefined : before };
  },
});
