import { Readable } from 'node:stream';
import type {
  BlobName,
  BlobProperties,
  BlobSettings,
  ObjectStore,
  OpenBlob,
  PutLimits,
} from './object-store.js';
import { ObjectStoreFailure } from './store-failure.js';

/**
 * A store of a backend that may stall: what it has not answered within `limitMs` fails as an outage
 * (`ServerBusy`), and so does a body of which it has taken, or sent, nothing for so long. How long the client
 * takes for its own part doesn't count.
 */
export class BoundedStore implements ObjectStore {
  readonly presign?: NonNullable<ObjectStore['presign']>;

  constructor(
    private readonly store: ObjectStore,
    private readonly limitMs: number,
  ) {
    if (store.presign !== undefined) this.presign = store.presign.bind(store);
  }

  createContainer(account: string, container: string): Promise<boolean> {
    return within(this.limitMs, this.store.createContainer(account, container));
  }

  hasContainer(account: string, container: string): Promise<boolean> {
    return within(this.limitMs, this.store.hasContainer(account, container));
  }

  /** Of a large container it goes on when this has failed: asked again, it finds less. */
  deleteContainer(account: string, container: string): Promise<boolean> {
    return within(this.limitMs, this.store.deleteContainer(account, container));
  }

  async put(
    name: BlobName,
    body: Readable,
    settings: BlobSettings,
    limits: PutLimits,
  ): Promise<BlobProperties | undefined> {
    const watch = new Watch(this.limitMs);
    watch.start();
    const passed = Readable.from(taken(body, watch), { objectMode: false });
    // Cut before the backend's client listens to it: the failure is told below in any case.
    passed.on('error', () => undefined);
    const stalled = watch.stalled.catch((error: unknown) => {
      passed.destroy(error as Error);
      throw error;
    });
    try {
      return await Promise.race([this.store.put(name, passed, settings, limits), stalled]);
    } finally {
      watch.end();
    }
  }

  async open(name: BlobName): Promise<OpenBlob | undefined> {
    const found = await within(this.limitMs, this.store.open(name));
    if (found === undefined) return undefined;
    return {
      properties: found.properties,
      read: async (start, end) =>
        sent(await within(this.limitMs, found.read(start, end)), this.limitMs),
      close: () => found.close(),
    };
  }

  delete(name: BlobName): Promise<boolean> {
    return within(this.limitMs, this.store.delete(name));
  }

  list(...asked: Parameters<ObjectStore['list']>): ReturnType<ObjectStore['list']> {
    return within(this.limitMs, this.store.list(...asked));
  }
}

/** Runs out when it was left running for its time. */
class Watch {
  readonly stalled: Promise<never>;
  private fail: (error: Error) => void = () => undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly limitMs: number) {
    this.stalled = new Promise<never>((_, reject) => {
      this.fail = reject;
    });
    // Whoever doesn't wait for it any more has had its answer.
    this.stalled.catch(() => undefined);
  }

  start(): void {
    this.end();
    this.timer = setTimeout(() => {
      const seconds = String(this.limitMs / 1000);
      this.fail(
        new ObjectStoreFailure(
          `the backend has not answered for ${seconds} s`,
          undefined,
          'Stalled',
        ),
      );
    }, this.limitMs);
  }

  end(): void {
    clearTimeout(this.timer);
  }
}

/** Settles as the answer does, or fails when it takes longer. */
export async function within<T>(limitMs: number, answer: Promise<T>): Promise<T> {
  const watch = new Watch(limitMs);
  watch.start();
  try {
    return await Promise.race([answer, watch.stalled]);
  } finally {
    watch.end();
  }
}

/** The body; the watch stands still while a piece of it is awaited, and runs while the backend has the turn. */
async function* taken(body: Readable, watch: Watch): AsyncGenerator<Buffer, void> {
  watch.end();
  for await (const chunk of body as AsyncIterable<Buffer>) {
    watch.start();
    yield chunk;
    watch.end();
  }
  watch.start();
}

/** The content; cut where the backend sends nothing for so long while somebody wants to read. */
function sent(content: Readable, limitMs: number): Readable {
  const chunks = content[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  async function* pieces(): AsyncGenerator<Buffer, void> {
    try {
      for (;;) {
        const next = await within(limitMs, chunks.next());
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      content.destroy();
    }
  }
  return Readable.from(pieces(), { objectMode: false });
}
