import { poolOf } from '../../protocol/keys.js';
import { storagePath } from '../../protocol/storage-host.js';
import { AgentEffects } from '../effects/agents/agent-effects.js';
import { LinkServer } from '../effects/agents/link-server.js';
import { NodeFiles } from '../effects/agents/node-files.js';
import { Sessions } from '../effects/agents/sessions.js';
import type { ImageImporter } from '../effects/images/importer.js';
import type { NodeConsoles } from '../effects/nodes/consoles.js';
import type { Providers } from '../effects/nodes/providers.js';
import type { NodeReconciler } from '../effects/nodes/reconcile.js';
import type { KeptLogs } from '../effects/objects/kept-logs.js';
import { LogSweep } from '../effects/objects/log-sweep.js';
import { isSealed } from '../effects/authority/master-key.js';
import { GUEST_VIEW_OF_HOST } from '../effects/authority/server-names.js';
import { systemClock as clock } from '../effects/system-clock.js';
import type { Configuration } from '../config/schema.js';
import type { Engine } from '../engine/engine.js';
import type { Listeners } from '../http/listen.js';
import { createImageImporter } from './images.js';
import { createKeptLogs } from './kept-logs.js';
import { createNodes } from './nodes.js';
import type { Parts } from './parts.js';

export interface Executors {
  sessions: Sessions;
  links: LinkServer;
  nodeFiles: NodeFiles;
  agents: AgentEffects;
  reconciler: NodeReconciler;
  providers: Providers;
  images: ImageImporter;
  keptLogs: KeptLogs;
  consoles: NodeConsoles;
  logSweep: LogSweep;
}

/** The executors of effects; the engine that they report to is asked for when it is there. */
export function createExecutors(parts: Parts, engine: () => Engine): Executors {
  const { authority, settings, log, configuration, listeners } = parts;
  const view = () => engine().view;
  const sessions = new Sessions(
    {
      report: (event) => {
        engine().report(event);
      },
      answered: (session, id, response) => {
        nodeFiles.answered(session, id, response);
      },
      ended: (session) => {
        nodeFiles.sessionEnded(session);
        // The link often ends because the node did.
        reconciler.wake(poolOf(session.nodeKey));
      },
      now: () => clock.now(),
      log,
    },
    settings.leaseMs + settings.leaseGraceMs,
  );
  const nodeFiles = new NodeFiles(sessions);
  const agents = new AgentEffects(
    {
      view,
      readTaskBodies: (keys) => parts.store.readTaskBodies(keys),
      open: (text) => (isSealed(text) ? authority.open(text) : text),
      taskToken: (of) => authority.taskToken(of),
      storage: {
        ownPath: ownPaths(configuration, listeners),
        sign: (text) => authority.signStorage(text),
        now: () => clock.now(),
        urlLifetimeMs: configuration.limits.storageUrlLifetime,
      },
      heartbeatIntervalMs: settings.heartbeatIntervalMs,
      logs: {
        bytesMax: configuration.limits.taskLogBytes,
        intervalMs: configuration.limits.taskLogInterval,
      },
      transfers: configuration.transfers,
      vmSizes: settings.vmSizes,
    },
    sessions,
  );
  const { providers, reconciler } = createNodes(parts, engine);
  const links = new LinkServer(view, sessions);
  const logSweep = new LogSweep({
    objects: parts.objects,
    reader: parts.store,
    view,
    report: (event) => {
      engine().report(event);
    },
    now: () => clock.now(),
    log,
  });
  return {
    images: createImageImporter(parts, engine),
    ...createKeptLogs(parts, providers, engine),
    sessions,
    links,
    nodeFiles,
    agents,
    reconciler,
    providers,
    logSweep,
  };
}

/** Tells URLs that name this controller's own storage from others; see StorageSigner. */
function ownPaths(
  { listen, tlsListen, hypervisors, storageDomain }: Configuration,
  listeners: Listeners,
) {
  const names = ['localhost', '127.0.0.1', '[::1]', GUEST_VIEW_OF_HOST, listen.host];
  if (tlsListen !== undefined) names.push(tlsListen.host);
  const hosts = new Set(names.flatMap((name) => listeners.ports.map((port) => `${name}:${port}`)));
  for (const { controllerUrl } of hypervisors) {
    if (controllerUrl !== undefined) hosts.add(new URL(controllerUrl).host);
  }
  const ports = new Set(listeners.ports.map(String));
  return (url: URL) => {
    if (hosts.has(url.host)) return storagePath('', url.pathname, undefined);
    const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
    const isAccount =
      storageDomain !== undefined && url.hostname.endsWith(`.blob.${storageDomain}`);
    if (!isAccount || !ports.has(port)) return undefined;
    return storagePath(url.hostname, url.pathname, storageDomain);
  };
}
