import { taskKeepLog } from '../commands/task/keep-log.js';
import { NodeConsoles } from '../effects/nodes/consoles.js';
import type { Providers } from '../effects/nodes/providers.js';
import { KeptLogs } from '../effects/objects/kept-logs.js';
import { systemClock as clock } from '../effects/system-clock.js';
import type { Engine } from '../engine/engine.js';
import type { Parts } from './parts.js';

/** What outlives its node: outputs of tasks, and what guests that failed wrote on their consoles. */
export function createKeptLogs(
  { objects, configuration, log }: Parts,
  providers: Providers,
  engine: () => Engine,
): { keptLogs: KeptLogs; consoles: NodeConsoles } {
  const view = () => engine().view;
  const bytesMax = configuration.limits.taskLogBytes;
  const keptLogs = new KeptLogs({
    objects,
    view,
    note: (kept) => engine().submit(taskKeepLog(kept)),
    now: () => clock.now(),
    bytesMax,
  });
  const consoles = new NodeConsoles({
    view,
    provider: (kind) => providers.get(kind),
    keep: (boot, body, size) =>
      keptLogs.keep({ kind: 'boot', ...boot }, 'console.log', body, { ...size, ended: true }),
    keptBytesMax: bytesMax,
    report: (event) => {
      engine().report(event);
    },
    log,
  });
  return { keptLogs, consoles };
}
