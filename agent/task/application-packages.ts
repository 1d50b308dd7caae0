import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import type { AssignedApplicationPackage } from '../../protocol/agent/assignment.js';
import { packageDirectory } from '../core/environment.js';
import { AGENT_DIRECTORY } from '../node/directories.js';
import type { HttpClient } from '../node/http.js';
import { download } from './download.js';
import { diskFailure, StepFailure, Stopped, systemCode } from './failure.js';
import { inParallel, TransferFailure } from './transfer.js';
import type { TransferLimits } from './transfer.js';
import { ArchiveRefused, unzip, UNZIP_LIMITS } from './unzip.js';

/** The largest archive that is loaded. */
const ARCHIVE_BYTES_MAX = 16 * 2 ** 30;

type UsablePackage = Extract<AssignedApplicationPackage, { url: string }>;

/**
 * Application packages of a node: each is loaded and unpacked once into `applications/{id}/{version}`,
 * whoever asks for it, and stays. One that was unpacked in an earlier life of the agent is used again
 * if it is still the same file; another file under the same version is taken up at the next boot.
 */
export class ApplicationPackages {
  /** By `id/version` in lower case; one that failed is tried again by the next who asks. */
  readonly #deployed = new Map<string, Promise<void>>();
  readonly #never = new AbortController().signal;
  readonly #private: string;
  #cleaned: Promise<void> | undefined;

  constructor(
    private readonly rootDirectory: string,
    private readonly client: HttpClient,
    private readonly limits: TransferLimits,
  ) {
    this.#private = `${rootDirectory}/${AGENT_DIRECTORY}/packages`;
  }

  /**
   * Resolves once all of them are in place. Throws StepFailure (ApplicationPackageError, DiskFull) for
   * the first that can't be had, Stopped when `signal` says so; what others wait for goes on then.
   */
  async deploy(
    packages: readonly AssignedApplicationPackage[],
    signal: AbortSignal = this.#never,
  ): Promise<void> {
    await inParallel(packages, this.limits.parallel, (one) =>
      unlessStopped(this.#deploy(one), signal),
    );
  }

  #deploy(one: AssignedApplicationPackage): Promise<void> {
    if ('problem' in one) return Promise.reject(packageFailure(one, one.problem));
    const key = `${one.applicationId}/${one.version}`.toLowerCase();
    const known = this.#deployed.get(key);
    if (known !== undefined) return known;
    const deployed = this.#install(one, key);
    this.#deployed.set(key, deployed);
    deployed.catch(() => this.#deployed.delete(key));
    return deployed;
  }

  async #install(one: UsablePackage, key: string): Promise<void> {
    const target = packageDirectory(this.rootDirectory, one);
    const marker = `${this.#private}/${key.replace('/', '@')}.md5`;
    const staging = `${this.#private}/staging/${randomBytes(8).toString('hex')}`;
    try {
      if ((await textOf(marker)) === one.md5 && (await isThere(target))) return;
      this.#cleaned ??= rm(`${this.#private}/staging`, { recursive: true, force: true });
      await this.#cleaned;
      await mkdir(`${staging}/content`, { recursive: true, mode: 0o755 });
      const bytes = await this.#download(one, `${staging}/package.zip`);
      await unzip(`${staging}/package.zip`, bytes, `${staging}/content`, UNZIP_LIMITS);
      await rm(marker, { force: true });
      await rm(target, { recursive: true, force: true });
      await mkdir(target.slice(0, target.lastIndexOf('/')), { recursive: true, mode: 0o755 });
      await rename(`${staging}/content`, target);
      await writeFile(marker, one.md5, { mode: 0o600 });
    } catch (error) {
      throw named(error, one);
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
  }

  /** The archive on the disk, checked against what was activated; answers with its size. */
  async #download(one: UsablePackage, path: string): Promise<number> {
    const order = { url: new URL(one.url), path, bytesMax: ARCHIVE_BYTES_MAX };
    const bytes = await download(this.client, order, this.#never, this.limits);
    const md5 = createHash('md5');
    for await (const chunk of createReadStream(path)) md5.update(chunk as Buffer);
    if (md5.digest('base64') !== one.md5)
      throw new ArchiveRefused('its file is not the one that was activated');
    return bytes;
  }
}

/** Waits for shared work as long as this one's signal is not given. */
function unlessStopped(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(new Stopped());
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

function named(error: unknown, one: UsablePackage): StepFailure {
  if (error instanceof StepFailure) return error;
  if (error instanceof TransferFailure || error instanceof ArchiveRefused)
    return packageFailure(one, error.message, error);
  const what = `The application package ${nameOf(one)} could not be unpacked`;
  return diskFailure(error, 'ApplicationPackageError', what);
}

const nameOf = ({ applicationId, version }: AssignedApplicationPackage) =>
  version === undefined ? applicationId : `${applicationId} ${version}`;

function packageFailure(
  one: AssignedApplicationPackage,
  problem: string,
  cause?: unknown,
): StepFailure {
  return new StepFailure(
    'ApplicationPackageError',
    'usererror',
    `The application package ${nameOf(one)} could not be deployed: ${problem}.`,
    [
      { name: 'ApplicationPackageReference', value: nameOf(one) },
      { name: 'Message', value: problem },
    ],
    { cause },
  );
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function isThere(directory: string): Promise<boolean> {
  try {
    return (await stat(directory)).isDirectory();
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return false;
    throw error;
  }
}
