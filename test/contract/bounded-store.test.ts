import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { BoundedStore } from '../../controller/effects/objects/bounded-store.js';
import type { ObjectStore } from '../../controller/effects/objects/object-store.js';

const LIMIT_MS = 100;
const NAME = { account: 'a', container: 'c', blob: 'b' };
const SETTINGS = { contentType: 'text/plain', metadata: {} };
const bounded = (store: Partial<ObjectStore>) => new BoundedStore(store as ObjectStore, LIMIT_MS);
const outage = { name: 'ObjectStoreFailure', code: 'ServerBusy' };

/** A store whose one blob is this stream. */
const holding = (content: Readable) =>
  bounded({
    open: () =>
      Promise.resolve({
        properties: { name: 'b', contentLength: 8, lastModified: 0, etag: 'e', ...SETTINGS },
        read: () => Promise.resolve(content),
        close: () => Promise.resolve(),
      }),
  });

describe('a bounded store', () => {
  it('cuts content that the backend stops sending, and lets go of it', async () => {
    const content = new PassThrough();
    content.write('half');
    const read = await (await holding(content).open(NAME))?.read(0, 7);
    const seen: string[] = [];
    const reading = (async () => {
      for await (const chunk of read ?? []) seen.push(String(chunk));
    })();
    await expect(reading).rejects.toMatchObject(outage);
    expect([seen, content.destroyed]).toEqual([['half'], true]);
  });

  it('waits for a reader as long as it likes', async () => {
    const read = await (await holding(Readable.from(['one', 'two'])).open(NAME))?.read(0, 5);
    const seen: string[] = [];
    for await (const chunk of read ?? []) {
      seen.push(String(chunk));
      await delay(2 * LIMIT_MS);
    }
    expect(seen.join('')).toBe('onetwo');
  });

  it('waits for an uploader as long as it likes, and for the backend no longer than its limit', async () => {
    const takesAll: Partial<ObjectStore> = {
      put: async (_name, body) => {
        let bytes = 0;
        for await (const chunk of body) bytes += (chunk as Buffer).length;
        return { name: 'b', contentLength: bytes, lastModified: 0, etag: 'e', ...SETTINGS };
      },
    };
    const slow = new PassThrough();
    const put = bounded(takesAll).put(NAME, slow, SETTINGS, { bytesMax: 100 });
    slow.write('one');
    await delay(3 * LIMIT_MS);
    slow.end('two');
    expect(await put).toMatchObject({ contentLength: 6 });

    const never: Partial<ObjectStore> = {
      put: async (_name, body) => {
        await once(body.resume(), 'end');
        return new Promise(() => undefined);
      },
    };
    const whole = Readable.from([Buffer.from('whole')]);
    await expect(
      bounded(never).put(NAME, whole, SETTINGS, { bytesMax: 100 }),
    ).rejects.toMatchObject(outage);
  });
});
