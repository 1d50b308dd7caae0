import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { accountKey } from '../../protocol/keys.js';
import { identifyAgent, refuse } from '../effects/agents/link-server.js';
import { equalSecrets, hashSecret } from '../effects/authority/constant-time.js';
import { withoutSecrets } from '../effects/images/fetch.js';
import { containerFiles } from '../effects/objects/container-files.js';
import { PackageStore } from '../effects/objects/package-store.js';
import { textToSign } from '../effects/objects/signed-url.js';
import { systemClock as clock } from '../effects/system-clock.js';
import type { Engine } from '../engine/engine.js';
import { LINK_PATH, agentEndpoints } from '../http/agent/endpoints.js';
import { createApp } from '../http/app.js';
import { storageEndpoints } from '../http/storage/endpoints.js';
import type { Executors } from './executors.js';
import { directUrlLifetimeMs } from './objects.js';
import type { Parts } from './parts.js';

/** Lets requests and links in: the last step of a start. */
export function serve(parts: Parts, executors: Executors, engine: Engine): void {
  const { authority, listeners, log, configuration, settings, store } = parts;
  const isAdminToken = (token: string) => authority.isAdminToken(token);
  const { keptLogs } = executors;
  const app = createApp({
    submit: (command) => engine.submit(command),
    view: engine.view,
    reader: store,
    keys: authority,
    nodeFiles: executors.nodeFiles,
    nodeUrl: (nodeKey, url) => executors.agents.reachable(nodeKey, url, 'cw'),
    files: (...asked) => containerFiles(parts.objects, ...asked),
    packages: new PackageStore({
      objects: parts.objects,
      sign: (text) => authority.signStorage(text),
      now: () => clock.now(),
    }),
    images: {
      look: () => executors.images.look(),
      progress: (key) => executors.images.progress(key),
      shown: withoutSecrets,
    },
    storageDomain: configuration.storageDomain,
    keptLogs,
    consoles: executors.consoles,
    settings,
    isAdminToken,
    jobOfTaskToken: (token) => authority.jobOfTaskToken(token, engine.view),
    clock,
    log,
    mounts: [
      agentEndpoints({
        view: engine.view,
        reader: store,
        keptLogs,
        submit: (command) => engine.submit(command),
        isEnrolmentToken: (...claim) => authority.isEnrolmentToken(...claim),
        hashSecret,
        identify: (request) => identifyAgent(request, engine.view),
        streamArrived: (id, nodeKey, body) => executors.nodeFiles.arrived(id, nodeKey, body),
      }),
      storageOf(parts, engine),
    ],
  });
  const handle = app.callback();
  listeners.serve(
    (request, response) => {
      handle(request, response).catch((error: unknown) => {
        log.error({ err: error }, 'a request could not be answered');
        response.destroy();
      });
    },
    (request, socket, head) => {
      if (new URL(request.url ?? '/', 'http://controller').pathname !== LINK_PATH) {
        refuse(socket, 404);
        return;
      }
      executors.links.upgrade(request, socket, head, reachedUrl(request, listeners.url));
    },
  );
}

/** The storage endpoints of every account. */
function storageOf({ authority, configuration, objects }: Parts, engine: Engine) {
  return storageEndpoints({
    blobs: objects,
    accountExists: (account) => engine.view.accounts.has(accountKey(account)),
    isAdminToken: (token) => authority.isAdminToken(token),
    isSignature: (terms, signature) =>
      equalSecrets(signature, authority.signStorage(textToSign(terms))),
    now: () => clock.now(),
    blobBytesMax: configuration.limits.blobBytes,
    storageDomain: configuration.storageDomain,
    directUrlLifetimeMs: directUrlLifetimeMs(configuration.storage),
  });
}

/** The controller's URL as the node reaches it: the host that it dialled. */
function reachedUrl(request: IncomingMessage, otherwise: string): string {
  const host = request.headers.host;
  if (host === undefined || !/^[\w.:[\]-]{1,255}$/.test(host)) return otherwise;
  return `${request.socket instanceof TLSSocket ? 'https' : 'http'}://${host}`;
}
