/**
 * The controller's parts and the order in which they start.
 *
 *   sockets → store → engine → executors → accounts → requests
 *
 * Sockets are bound first, so that a port in use leaves nothing half-made; requests are served last,
 * when memory is loaded. SIGTERM goes the other way round. Nodes live on in any case.
 */
import pino from 'pino';
import type { Logger } from 'pino';
import { ConfigurationError } from './config/failure.js';
import type { Configuration } from './config/schema.js';
import { settingsOf } from './config/settings.js';
import { readTls } from './config/tls.js';
import { DEFAULT_TIMES } from './core/settings.js';
import type { Settings } from './core/settings.js';
import { Authority } from './effects/authority/authority.js';
import { effectsOf } from './effects/perform.js';
import { systemClock as clock, systemRandom as random } from './effects/system-clock.js';
import { createEngine } from './engine/engine.js';
import type { Engine } from './engine/engine.js';
import { ListenError, Listeners } from './http/listen.js';
import { DataFolderError } from './store/schema/failure.js';
import { SqliteStore } from './store/sqlite/store.js';
import { ensureAccount } from './wiring/accounts.js';
import { createExecutors } from './wiring/executors.js';
import { secure } from './wiring/https.js';
import { importConfigured } from './wiring/images.js';
import { openObjects } from './wiring/objects.js';
import { serve } from './wiring/requests.js';

/** A commit failed or an invariant broke: started again on the same folder, everything goes on. */
const EXIT_FATAL = 70;
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
  const objects = await openObjects(configuration, log).catch(async (error: unknown) => {
    await listeners.close();
    await store.close();
    throw error;
  });
  const settings: Settings = { ...DEFAULT_TIMES, ...settingsOf(configuration) };
  const { caPem } = tls;
  const parts = { configuration, log, listeners, authority, store, objects, settings, caPem };
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
  await importConfigured(parts, engine, executors.images);
  executors.reconciler.start();
  executors.logSweep.start();
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
      await executors.logSweep.stop();
      await executors.reconciler.stop();
      await executors.consoles.stop();
      await executors.images.close();
      await executors.providers.close();
      await engine.stop();
      await store.close();
    },
  };
}

/** What the user can put right ends in one line; anything else is a fault of ours and keeps its stack. */
function asUsersFault(error: unknown): never {
  if (error instanceof ListenError || error instanceof DataFolderError) {
    throw new ConfigurationError(error.message, { cause: error });
  }
  throw error;
}
