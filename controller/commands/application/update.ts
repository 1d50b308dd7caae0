import type { ApplicationBody } from '../../../protocol/management/application.js';
import type { Command } from '../../engine/command.js';
import type { Input } from '../find.js';
import { changeApplication } from './change.js';
import { findApplication } from './find.js';

/** Application_Update. */
export const applicationUpdate = ({
  account,
  applicationName,
  body,
}: Input<ApplicationBody> & { applicationName: string }): Command<void> => ({
  name: 'applicationUpdate',
  run(transaction) {
    changeApplication(transaction, findApplication(transaction, account, applicationName), body);
  },
});
