import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ObjectStore } from '../../controller/effects/objects/object-store.js';

const LIMITS = { bytesMax: 1024 * 1024 };
const SETTINGS = { contentType: 'text/plain', metadata: {} };
/** Names that a file system would take for something else, or in another order. */
const AWKWARD = [
  '..',
  '../../etc/passwd',
  'a//b',
  '/lead',
  'trail/',
  'käse',
  '日本/語',
  'a,b',
  'C:\\x',
  '%2e',
  'x'.repeat(1024),
];

/** What every object store keeps. */
export function objectStoreContract(open: () => Promise<ObjectStore>, close: () => void): void {
  let store: ObjectStore;
  const name = (blob: string) => ({ account: 'contract', container: 'box', blob });
  const put = (
    blob: string,
    text: string,
    more: { onlyIfNew?: boolean; contentMd5?: string; bytesMax?: number } = {},
  ) => store.put(name(blob), Readable.from([Buffer.from(text)]), SETTINGS, { ...LIMITS, ...more });
  const read = async (blob: string, start = 0, end?: number) => {
    const opened = await store.open(name(blob));
    if (opened === undefined) return undefined;
    return (
      await buffer(opened.read(start, end ?? opened.properties.contentLength - 1))
    ).toString();
  };
  const names = async (prefix = '', marker = '', limit = 5000) =>
    (await store.list('contract', 'box', { prefix, marker, limit }))?.blobs.map(
      (blob) => blob.name,
    );

  beforeAll(async () => {
    store = await open();
  });
  afterAll(close);

  it('has no container before one is made, and makes it once', async () => {
    expect(await put('a', 'x')).toBeUndefined();
    expect(await names()).toBeUndefined();
    expect(await store.createContainer('contract', 'box')).toBe(true);
    expect(await store.createContainer('contract', 'box')).toBe(false);
    expect(await names()).toEqual([]);
  });

  it('gives back what was put, with its properties', async () => {
    const stored = await put('dir/file.txt', 'hello');
    expect(stored).toMatchObject({ contentLength: 5, contentMd5: 'XUFAKrxLKna5cZ2REBfFkg==' });
    expect(await read('dir/file.txt')).toBe('hello');
    expect(await read('dir/file.txt', 1, 3)).toBe('ell');
    expect(await read('dir/other.txt')).toBeUndefined();
    expect(await read('dir')).toBeUndefined();
  });

  it('replaces a blob as a whole: a reader keeps the content it opened', async () => {
    await put('replaced', 'before');
    const opened = await store.open(name('replaced'));
    const stored = await put('replaced', 'after');
    expect((await buffer(opened?.read(0, 5) ?? Readable.from([]))).toString()).toBe('before');
    expect(await read('replaced')).toBe('after');
    expect(stored?.etag).not.toBe(opened?.properties.etag);
  });

  it('keeps the old content when a put is refused or breaks off', async () => {
    await put('kept', 'old');
    await expect(put('kept', 'new', { onlyIfNew: true })).rejects.toMatchObject({
      code: 'BlobAlreadyExists',
    });
    await expect(put('kept', 'new', { contentMd5: 'AAAA' })).rejects.toMatchObject({
      code: 'Md5Mismatch',
    });
    await expect(put('kept', 'newer', { bytesMax: 4 })).rejects.toMatchObject({
      code: 'RequestBodyTooLarge',
    });
    const broken = Readable.from(
      (async function* () {
        yield Buffer.from('ne');
        await Promise.resolve();
        throw new Error('the client went away');
      })(),
    );
    await expect(store.put(name('kept'), broken, SETTINGS, LIMITS)).rejects.toThrow(
      'the client went away',
    );
    expect(await read('kept')).toBe('old');
  });

  it('takes any name for a name and nothing else, and lists them in order of their bytes', async () => {
    await store.createContainer('contract', 'awkward');
    const at = (blob: string) => ({ account: 'contract', container: 'awkward', blob });
    const all = [
      ...AWKWARD,
      'a',
      'a-b',
      'a/b',
      'a0',
      `${'x'.repeat(1023)}/y`,
      `${'x'.repeat(180)}/z`,
    ];
    for (const blob of all)
      await store.put(at(blob), Readable.from([Buffer.from(blob)]), SETTINGS, LIMITS);
    const listed = await store.list('contract', 'awkward', { prefix: '', marker: '', limit: 5000 });
    const inOrder = [...all].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(listed?.blobs.map((blob) => blob.name)).toEqual(inOrder);
    for (const blob of all) {
      const opened = await store.open(at(blob));
      expect((await buffer(opened?.read(0, 4096) ?? Readable.from([]))).toString()).toContain(blob);
    }
  });

  it('lists by prefix, page after page, each name once', async () => {
    await store.createContainer('contract', 'pages');
    const all = Array.from({ length: 25 }, (_, at) => `logs/${String(at).padStart(2, '0')}/out`);
    for (const blob of [...all, 'logs', 'other']) {
      await store.put(
        { account: 'contract', container: 'pages', blob },
        Readable.from([]),
        SETTINGS,
        LIMITS,
      );
    }
    const seen: string[] = [];
    for (let marker: string | undefined = ''; marker !== undefined;) {
      const page = await store.list('contract', 'pages', { prefix: 'logs/', marker, limit: 10 });
      seen.push(...(page?.blobs.map((blob) => blob.name) ?? []));
      marker = page?.nextMarker;
    }
    expect(seen).toEqual(all);
  });

  it('forgets a blob that is deleted, and a container with all in it', async () => {
    await put('gone/deep/down', 'x');
    expect(await store.delete(name('gone/deep/down'))).toBe(true);
    expect(await store.delete(name('gone/deep/down'))).toBe(false);
    expect(await names('gone')).toEqual([]);
    expect(await store.deleteContainer('contract', 'box')).toBe(true);
    expect(await store.deleteContainer('contract', 'box')).toBe(false);
    expect(await store.hasContainer('contract', 'box')).toBe(false);
  });

  it('refuses container names that are no names', async () => {
    await expect(store.createContainer('contract', '..')).rejects.toMatchObject({
      code: 'InvalidResourceName',
    });
    await expect(store.createContainer('contract', 'a--b')).rejects.toMatchObject({
      code: 'InvalidResourceName',
    });
    expect(await store.hasContainer('contract', '../box')).toBe(false);
  });
}
