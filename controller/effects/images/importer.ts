/**
 * Brings the files of images into the data folder: DATA/images/{name}/{generation}/disk.qcow2. Nothing
 * here is durable but files: which images are to be imported says the state, so that an import that a
 * restart cut off goes on where it was.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Image } from '../../core/image/state.js';
import type { ImageKey } from '../../../protocol/keys.js';
import type { Log } from '../log.js';
import { ImportFailure } from './failure.js';
import { fetchSource } from './fetch.js';
import type { Progress } from './fetch.js';
import { inspectDisk } from './inspect.js';

type Outcome =
  { content: NonNullable<Image['content']> } | { failure: NonNullable<Image['failure']> };

export interface ImporterPorts {
  images(): ReadonlyMap<ImageKey, Readonly<Image>>;
  /** Resolves to false where the image is no longer wanted: its file goes then. */
  finish(key: ImageKey, generation: number, outcome: Outcome): Promise<boolean>;
  log: Log;
}

interface Running {
  generation: number;
  progress: Progress;
  abort: AbortController;
  done: Promise<void>;
}

export class ImageImporter {
  private readonly running = new Map<ImageKey, Running>();
  private closed = false;

  constructor(
    private readonly directory: string,
    private readonly ports: ImporterPorts,
  ) {}

  /** Starts what is to be imported, ends what is not wanted any more, and removes files that no image has. */
  async look(): Promise<void> {
    if (this.closed) return;
    const images = this.ports.images();
    for (const [key, { generation, abort }] of this.running)
      if (images.get(key)?.generation !== generation) abort.abort();
    for (const image of images.values())
      if (image.state === 'importing' && !this.running.has(image.key)) this.start(image);
    await this.removeUnused();
  }

  /** How far the import of an image is; undefined: it is not running. */
  progress(key: ImageKey): Progress | undefined {
    return this.running.get(key)?.progress;
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const { abort } of this.running.values()) abort.abort();
    await Promise.all([...this.running.values()].map(({ done }) => done));
  }

  private start(image: Readonly<Image>): void {
    const { key, generation } = image;
    const abort = new AbortController();
    const running: Running = {
      generation,
      progress: { bytes: 0 },
      abort,
      done: this.bring(image, abort.signal, (seen) => {
        running.progress = seen;
      })
        .catch((error: unknown) => {
          if (!abort.signal.aborted)
            this.ports.log.error({ err: error, image: image.name }, 'an import broke off');
        })
        .finally(() => {
          this.running.delete(key);
        })
        // Another source may have been named meanwhile.
        .then(() => this.look()),
    };
    this.running.set(key, running);
  }

  private async bring(
    { key, name, generation, properties }: Readonly<Image>,
    signal: AbortSignal,
    progress: (seen: Progress) => void,
  ): Promise<void> {
    const folder = join(this.directory, key, String(generation));
    const [partial, disk] = [join(folder, 'partial'), join(folder, 'disk.qcow2')];
    let outcome: Outcome;
    try {
      // QEMU's user passes these folders.
      await mkdir(folder, { recursive: true, mode: 0o711 });
      await fetchSource(properties.source, partial, progress, signal);
      const sha256 = await digest(partial);
      if (properties.sha256 !== undefined && properties.sha256 !== sha256)
        throw new ImportFailure(
          'ChecksumMismatch',
          `the file has SHA-256 ${sha256}, not ${properties.sha256}`,
        );
      await inspectDisk(partial);
      await chmod(partial, 0o644);
      await rename(partial, disk);
      outcome = { content: { path: disk, sha256, bytes: (await stat(disk)).size } };
      this.ports.log.info({ image: name, sha256 }, 'image imported');
    } catch (error) {
      if (signal.aborted) return;
      outcome = { failure: failureOf(error) };
      this.ports.log.warn({ err: error, image: name }, 'image could not be imported');
      await rm(folder, { recursive: true, force: true });
    }
    const wanted = await this.ports.finish(key, generation, outcome);
    if (!wanted) await rm(folder, { recursive: true, force: true });
  }

  /** Nodes keep what their hypervisor's folder links to; here goes what no image means. */
  private async removeUnused(): Promise<void> {
    const images = this.ports.images();
    for (const key of await names(this.directory)) {
      const image = images.get(key as ImageKey);
      for (const generation of await names(join(this.directory, key))) {
        const running = this.running.get(key as ImageKey)?.generation;
        if (Number(generation) === image?.generation || Number(generation) === running) continue;
        await rm(join(this.directory, key, generation), { recursive: true, force: true });
      }
      if (image === undefined && !this.running.has(key as ImageKey))
        await rm(join(this.directory, key), { recursive: true, force: true });
    }
  }
}

const failureOf = (error: unknown) =>
  error instanceof ImportFailure
    ? { code: error.code, message: error.message }
    : { code: 'ImportFailed', message: error instanceof Error ? error.message : String(error) };

async function digest(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

async function names(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
