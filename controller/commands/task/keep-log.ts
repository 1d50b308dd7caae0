import type { KeptLog } from '../../core/task/history.js';
import type { Command } from '../../engine/command.js';

/** Notes that a log is about to be in the object store, before it is: whoever cleans up will find it. */
export const taskKeepLog = (log: KeptLog): Command<void> => ({
  name: 'taskKeepLog',
  run(transaction) {
    transaction.remember('kept', log);
  },
});
