import type { Logger } from 'pino';
import type { Configuration } from '../config/schema.js';
import type { Settings } from '../core/settings.js';
import type { Authority } from '../effects/authority/authority.js';
import type { ObjectStore } from '../effects/objects/object-store.js';
import type { Listeners } from '../http/listen.js';
import type { SqliteStore } from '../store/sqlite/store.js';

/** What everything else is made of: there before the engine is. */
export interface Parts {
  configuration: Configuration;
  log: Logger;
  listeners: Listeners;
  authority: Authority;
  store: SqliteStore;
  objects: ObjectStore;
  settings: Settings;
  caPem: string | undefined;
}
