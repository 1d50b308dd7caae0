/**
 * The controller's parts and how they hang together; the only file that knows every room.
 *
 *   sockets → store → engine → executors → accounts → requests
 *
 * Sockets are bound first, so that a port in use leaves nothing half-made; requests are served last,
 * when memory is loaded. SIGTERM goes the other way round. Nodes live on in any case.
 */
import { existsSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import pino from 'pino';
import type { Logger } from 'pino';
import { accountKey, poolOf } from '../protocol/keys.js';
import type { NodeKey } from '../protocol/keys.js';
import { batchAccountCreate } from './commands/batch-account/create.js';
import { batchAccountRegenerateKey } from './commands/batch-account/regenerate-key.js';
import { ConfigurationError } from './config/failure.js';
import { Hypervisor } from './config/schema.js';
import type { Configuration } from './config/schema.js';
import { settingsOf } from './config/settings.js';
import { readTls } from './config/tls.js';
import { DEFAULT_TIMES } from './core/settings.js';
import type { Settings } from './core/settings.js';
import { AgentEffects } from './effects/agents/agent-effects.js';
import { LinkServer, identifyAgent, refuse } from './effects/agents/link-server.js';
import { NodeFiles } from './effects/agents/node-files.js';
import { Sessions } from './effects/agents/sessions.js';
import { Authority } from './effects/authority/authority.js';
import { equalSecrets, hashSecret } from './effects/authority/constant-time.js';
import { GUEST_VIEW_OF_HOST, serverNames } from './effects/authority/server-names.js';
import { ProcessProvider } from './effects/nodes/process/process-provider.js';
import type { NodeProvider } from './effects/nodes/provider.js';
import { Providers } from './effects/nodes/providers.js';
import { NodeReconciler } from './effects/nodes/reconcile.js';
import { specify } from './effects/nodes/specify.js';
import type { SpecifyPorts } from './effects/nodes/specify.js';
import { DiskStore } from './effects/objects/disk/disk-store.js';
import { PackageStore } from './effects/objects/package-store.js';
import { textToSign } from './effects/objects/signed-url.js';
import { effectsOf } from './effects/perform.js';
import { systemClock as clock, systemRandom as random } from './effects/system-clock.js';
import { createEngine } from './engine/engine.js';
import type { Engine } from './engine/engine.js';
import { LINK_PATH, agentEndpoints } from './http/agent/endpoints.js';
import { createApp } from './http/app.js';
import { ListenError, Listeners } from './http/listen.js';
import { storageEndpoints } from './http/storage/endpoints.js';
import { DataFolderError } from './store/schema/failure.js';
import { SqliteStore } from './store/sqlite/store.js';

/** A commit failed or an invariant broke: started again on the same folder, everything goes on. */
const EXIT_FATAL = 70;
const SWEEP_INTERVAL_MS = 5_000;
/** Where accounts of `--account` stand in the management plane. */
const HOME = {
  subscriptionId: '00000000-0000-0000-0000-000000000000',
  resourceGroup: 'batchyard',
  location: 'local',
};

/**
 * Runs until SIGTERM or SIGINT and answers with the exit code. Throws ConfigurationError for what the
 * user can put right.
 */
export async function runController(configuration: Configuration): Promise<number> {
  const log = pino({ level: configuration.logLevel }, pino.destination({ dest: 2, sync: true }));
  const fatal = (error: unknown) => {
    log.fatal(
      { err: error },
      'the controller ends: its memory can no longer be trusted; start it again',
    );
    process.exit(EXIT_FATAL);
  };
  process.on('unhandledRejection', fatal);
  process.on('uncaughtException', fatal);
  const stopAsked = new Promise<string>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.once(signal, () => {
        resolve(signal);
      });
  });
  const controller = await start(configuration, log, fatal);
  process.stdout.write(`${JSON.stringify({ ready: true, ...controller.ready })}\n`);
  log.info({ signal: await stopAsked }, 'stops; nodes go on');
  await controller.stop();
  return 0;
}

interface Running {
  ready: { url: string; tlsUrl?: string; caFile?: string };
  stop(): Promise<void>;
}

async function start(
  configuration: Configuration,
  log: Logger,
  fatal: (error: unknown) => void,
): Promise<Running> {
  const configuredTls = configuration.tls === undefined ? undefined : readTls(configuration.tls);
  const listeners = await Listeners.bind(configuration.listen, configuration.tlsListen).catch(
    asUsersFault,
  );
  const store = await SqliteStore.open(configuration.data).catch(async (error: unknown) => {
    await listeners.close();
    return asUsersFault(error);
  });
  const authority = Authority.open(configuration.data, configuration.adminToken);
  const tls = secure(configuration, configuredTls, listeners, authority);
  const objects = await DiskStore.open(join(configuration.data, 'objects'));
  const settings: Settings = { ...DEFAULT_TIMES, ...settingsOf(configuration) };
  const parts = {
    configuration,
    log,
    listeners,
    authority,
    store,
    objects,
    settings,
    caPem: tls.caPem,
  };
  const executors = createExecutors(parts, () => engine);
  const engine: Engine = createEngine({
    store,
    clock,
    random,
    settings,
    effects: effectsOf({ ...executors, log }),
    onFatal: fatal,
  });
  await engine.start();
  executors.sessions.start();
  await executors.providers.openAll(
    new Set(configuration.images.map(({ provider }) => provider)),
    log,
  );
  executors.reconciler.start();
  for (const account of configuration.accounts) await ensureAccount(parts, engine, account);
  serve(parts, executors, engine);
  const tlsUrl = listeners.tlsUrl;
  return {
    ready: {
      url: listeners.url,
      ...(tlsUrl === undefined ? {} : { tlsUrl }),
      ...(tls.caFile === undefined ? {} : { caFile: tls.caFile }),
    },
    async stop() {
      const closed = listeners.close();
      executors.sessions.stop();
      await closed;
      await executors.reconciler.stop();
      await executors.providers.close();
      await engine.stop();
      await store.close();
    },
  };
}

/** The account exists with this primary key, whatever it was before. */
async function ensureAccount(
  { authority, configuration }: Parts,
  engine: Engine,
  { name, key }: { name: string; key: string },
): Promise<void> {
  const present = engine.view.accounts.get(accountKey(name));
  if (present === undefined) {
    const sealedKeys = {
      primary: authority.seal(key),
      secondary: authority.seal(authority.generate()),
    };
    const { quotas } = configuration;
    await engine.submit(batchAccountCreate({ name, ...HOME, sealedKeys, quotas }));
  } else if (!equalSecrets(authority.open(present.sealedKeys.primary), key)) {
    const change = {
      account: present.key,
      keyName: 'primary',
      sealedKey: authority.seal(key),
    } as const;
    await engine.submit(batchAccountRegenerateKey(change));
  }
}

/** What the user can put right ends in one line; anything else is a fault of ours and keeps its stack. */
function asUsersFault(error: unknown): never {
  if (error instanceof ListenError || error instanceof DataFolderError) {
    throw new ConfigurationError(error.message, { cause: error });
  }
  throw error;
}

interface Parts {
  configuration: Configuration;
  log: Logger;
  listeners: Listeners;
  authority: Authority;
  store: SqliteStore;
  objects: DiskStore;
  settings: Settings;
  caPem: string | undefined;
}

/** The certificate of https: a configured one, or the folder's own CA's. */
function secure(
  { tlsListen }: Configuration,
  configured: ReturnType<typeof readTls> | undefined,
  listeners: Listeners,
  authority: Authority,
): { caPem?: string; caFile?: string } {
  if (tlsListen === undefined) return {};
  if (configured !== undefined) {
    listeners.useCertificate(configured);
    return {};
  }
  const ca = authority.certificateAuthority(clock.now());
  listeners.useCertificate(ca.serverCertificate(serverNames(tlsListen.host), clock.now()));
  return { caPem: ca.caPem, caFile: ca.caFile };
}

interface Executors {
  sessions: Sessions;
  links: LinkServer;
  nodeFiles: NodeFiles;
  agents: AgentEffects;
  reconciler: NodeReconciler;
  providers: Providers;
}

function createExecutors(parts: Parts, engine: () => Engine): Executors {
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
      open: (sealed) => authority.open(sealed),
      taskToken: (of) => authority.taskToken(of),
      storage: {
        isOwnHost: ownHosts(configuration, listeners),
        sign: (text) => authority.signStorage(text),
        now: () => clock.now(),
        urlLifetimeMs: configuration.limits.storageUrlLifetime,
      },
      heartbeatIntervalMs: settings.heartbeatIntervalMs,
    },
    sessions,
  );
  const { providers, reconciler } = createNodes(parts, engine);
  const links = new LinkServer(view, sessions);
  return { sessions, links, nodeFiles, agents, reconciler, providers };
}

function createNodes(parts: Parts, engine: () => Engine) {
  const { authority, settings, log, configuration, listeners, caPem } = parts;
  const wake = (nodeKey: NodeKey) => {
    reconciler.wake(poolOf(nodeKey));
  };
  const directory = join(configuration.data, 'nodes');
  const providers = new Providers({
    process: () =>
      Promise.resolve(new ProcessProvider({ directory, agentFile: agentFile(), onExit: wake })),
    libvirt: () => openLibvirt(parts),
  });
  const specifyPorts: SpecifyPorts = {
    vmSizes: settings.vmSizes,
    // Processes on this machine need no https; guests get it where they can check the certificate.
    controller: ({ nodeProvider }) =>
      nodeProvider === 'process' || listeners.tlsUrl === undefined || caPem === undefined
        ? { controllerUrl: listeners.url }
        : { controllerUrl: listeners.tlsUrl, caPem },
    enrolmentToken: (nodeKey, incarnation) => authority.enrolmentToken(nodeKey, incarnation),
  };
  const reconciler = new NodeReconciler(
    {
      view: () => engine().view,
      report: (event) => {
        engine().report(event);
      },
      provider: (kind) => providers.get(kind),
      openProviders: () => providers.open(),
      specify: (pool, node) => specify(specifyPorts, pool, node),
      log,
    },
    {
      parallelCreates: configuration.limits.parallelNodeCreates,
      sweepIntervalMs: SWEEP_INTERVAL_MS,
    },
  );
  return { providers, reconciler };
}

/** Loaded only here: everything else works without libvirt's library. */
async function openLibvirt({ configuration, authority, log }: Parts): Promise<NodeProvider> {
  const { LibvirtNodeProvider } = await import('./effects/nodes/libvirt/libvirt-provider.js');
  const { hypervisors, images, data } = configuration;
  return new LibvirtNodeProvider(hypervisors.length > 0 ? hypervisors : [Hypervisor.parse({})], {
    controllerId: authority.controllerId,
    dataDirectory: data,
    images: images.filter(({ provider }) => provider === 'libvirt'),
    agent: { node: process.execPath, bundle: agentFile() },
    log,
  });
}

/** Hosts under which tasks' URLs may name this controller's own storage. */
function ownHosts({ listen, tlsListen, hypervisors }: Configuration, listeners: Listeners) {
  const names = ['localhost', '127.0.0.1', '[::1]', GUEST_VIEW_OF_HOST, listen.host];
  if (tlsListen !== undefined) names.push(tlsListen.host);
  const hosts = new Set(names.flatMap((name) => listeners.ports.map((port) => `${name}:${port}`)));
  for (const { controllerUrl } of hypervisors) {
    if (controllerUrl !== undefined) hosts.add(new URL(controllerUrl).host);
  }
  return (host: string) => hosts.has(host);
}

/** Beside the bundle of the controller, or in dist/ when it runs from its sources. */
function agentFile(): string {
  const places = ['./agent.mjs', '../dist/agent.mjs'].map((place) =>
    fileURLToPath(new URL(place, import.meta.url)),
  );
  return places.find((place) => existsSync(place)) ?? (places[0] as string);
}

function serve(parts: Parts, executors: Executors, engine: Engine): void {
  const { authority, listeners, log, configuration, settings, store } = parts;
  const isAdminToken = (token: string) => authority.isAdminToken(token);
  const app = createApp({
    submit: (command) => engine.submit(command),
    view: engine.view,
    reader: store,
    keys: authority,
    nodeFiles: executors.nodeFiles,
    packages: new PackageStore({
      objects: parts.objects,
      sign: (text) => authority.signStorage(text),
      now: () => clock.now(),
    }),
    settings,
    isAdminToken,
    jobOfTaskToken: (token) => authority.jobOfTaskToken(token, engine.view),
    clock,
    log,
    mounts: [
      agentEndpoints({
        submit: (command) => engine.submit(command),
        isEnrolmentToken: (...claim) => authority.isEnrolmentToken(...claim),
        hashSecret,
        identify: (request) => identifyAgent(request, engine.view),
        streamArrived: (id, nodeKey, body) => executors.nodeFiles.arrived(id, nodeKey, body),
      }),
      storageEndpoints({
        blobs: parts.objects,
        accountExists: (account) => engine.view.accounts.has(accountKey(account)),
        isAdminToken,
        isSignature: (terms, signature) =>
          equalSecrets(signature, authority.signStorage(textToSign(terms))),
        now: () => clock.now(),
        blobBytesMax: configuration.limits.blobBytes,
      }),
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

/** The controller's URL as the node reaches it: the host that it dialled. */
function reachedUrl(request: IncomingMessage, otherwise: string): string {
  const host = request.headers.host;
  if (host === undefined || !/^[\w.:[\]-]{1,255}$/.test(host)) return otherwise;
  return `${request.socket instanceof TLSSocket ? 'https' : 'http'}://${host}`;
}
