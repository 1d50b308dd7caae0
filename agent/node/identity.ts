import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Seed, TemplateSeed } from '../../protocol/agent/enrol.js';
import type { Firewall, TaskUsers } from '../../protocol/agent/enrol.js';
import { AGENT_DIRECTORY } from './directories.js';

/** All that the agent keeps of one incarnation; the file is for its own user alone. */
export interface Identity {
  controllerUrl: string;
  caPem?: string;
  nodeKey: string;
  incarnation: number;
  rootDirectory: string;
  firewall?: Firewall;
  hostName?: string;
  taskUsers?: TaskUsers;
  taskUsersRemark?: string;
  /** Bearer token of the link: 32 random bytes, base64url. */
  secret: string;
  /** Until enrolment succeeded. */
  token?: string;
}

/** Where QEMU's firmware configuration shows the seed: a file for root alone, read from the device at each look. */
export const FIRMWARE_SEED =
  '/sys/firmware/qemu_fw_cfg/by_name/opt/io.systemd.credentials/batchyard.seed/raw';

/**
 * Finds the seed: `--seed FILE`, else the service manager's credential, else the firmware's; that of a template: this guest is
 * to be saved and waits for its seed. Throws with one clear line when there is none, it is readable for
 * others, or it isn't a seed.
 */
export function readSeed(flag: string | undefined): { seed: Seed | TemplateSeed; path: string } {
  const credentials = process.env.CREDENTIALS_DIRECTORY;
  const path =
    flag ?? (credentials === undefined ? FIRMWARE_SEED : join(credentials, 'batchyard.seed'));
  if (path === FIRMWARE_SEED && !existsSync(path)) {
    throw new Error(
      'no seed: give --seed FILE, or the credential batchyard.seed in CREDENTIALS_DIRECTORY',
    );
  }
  if (flag !== undefined && (statSync(path).mode & 0o077) !== 0) {
    throw new Error(`the seed ${path} is open to other users; its mode must be 0600`);
  }
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new Error(`the seed ${path} can't be read as JSON`, { cause: error });
  }
  const template = TemplateSeed.safeParse(json);
  if (template.success) return { seed: template.data, path };
  const parsed = Seed.safeParse(json);
  if (!parsed.success) {
    const fields = parsed.error.issues
      .map((issue) => issue.path.join('.') || 'the whole')
      .join(', ');
    throw new Error(`the seed ${path} is not valid: ${fields}`);
  }
  return { seed: parsed.data, path };
}

/** The identity of the seed's incarnation: kept from an earlier start, else with a new secret. */
export function identityOf(seed: Seed): Identity {
  const kept = loadIdentity(seed.rootDirectory);
  if (kept?.nodeKey === seed.nodeKey && kept.incarnation === seed.incarnation) return kept;
  const identity: Identity = { ...seed, secret: randomBytes(32).toString('base64url') };
  saveIdentity(identity);
  return identity;
}

/** What an earlier start of the agent kept below this root, if it did. */
export function loadIdentity(rootDirectory: string): Identity | undefined {
  try {
    return JSON.parse(readFileSync(stateFile(rootDirectory), 'utf8')) as Identity;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Error(`the agent's state ${stateFile(rootDirectory)} can't be read`, {
      cause: error,
    });
  }
}

/** Written beside and renamed, so that a crash leaves the old or the new file, whole. */
export function saveIdentity(identity: Identity): void {
  const file = stateFile(identity.rootDirectory);
  rmSync(`${file}.new`, { force: true });
  writeFileSync(`${file}.new`, JSON.stringify(identity), { mode: 0o600, flag: 'wx' });
  renameSync(`${file}.new`, file);
}

const stateFile = (rootDirectory: string) => join(rootDirectory, AGENT_DIRECTORY, 'state.json');
