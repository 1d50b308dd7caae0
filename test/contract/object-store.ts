import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { beforeAll, expect, it } from 'vitest';
import type { ObjectStore } from '../../controller/effects/objects/object-store.js';
import { waitFor } from '../support/wait-for.js';

const LIMITS = { bytesMax: 1024 * 1024 };
const SETTINGS = { contentType: 'text/plain', metadata: {} };
/** Any URL or file system takes them for names. */
const PLAIN = ['käse', '日本/語', 'a,b', '%2e', 'a b+c&d=e?f#g', "it's (!*)", 'a-b', 'a/b', 'a0'];
/** Names that clients, proxies and servers of a URL resolve or rewrite. */
const RESOLVED = ['..', '../../etc/passwd', 'a/./b', 'C:\\x'];
/** Names that a file system would take for something else, or has no room for. */
const PATHS = [
  'a//b',
  '/lead',
  'trail/',
  'x'.repeat(1000),
  `${'x'.repeat(990)}/y`,
  `${'x'.repeat(180)}/z`,
];

/** Where backends differ; by default the store has all of it. */
interface Abilities {
  /** A reader keeps the content that it opened when the blob is replaced; else it is refused. */
  keepsOpened?: boolean;
  /** Names that a URL can't carry as they stand; else they are refused. */
  resolvedNames?: boolean;
  /** Names that can't be paths of files side by side; else they are refused or kept, as the server likes. */
  anyPath?: boolean;
}

/** What every object store keeps. */
export function objectStoreContract(
  open: () => Promise<ObjectStore>,
  { keepsOpened = true, resolvedNames = true, anyPath = true }: Abilities = {},
): void {
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
    const content = await opened.read(start, end ?? opened.properties.contentLength - 1);
    return (await buffer(content)).toString();
  };
  const names = async (prefix = '', marker = '', limit = 5000) =>
    (await store.list('contract', 'box', { prefix, marker, limit }))?.blobs.map(
      (blob) => blob.name,
    );

  beforeAll(async () => {
    store = await open();
  });

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

  it('replaces a blob as a whole: a reader gets the content it opened or nothing', async () => {
    await put('replaced', 'before');
    const opened = await store.open(name('replaced'));
    const stored = await put('replaced', 'after');
    const reading = opened?.read(0, 5).then((content) => buffer(content));
    if (keepsOpened) expect((await reading)?.toString()).toBe('before');
    else await expect(reading).rejects.toMatchObject({ code: 'ConditionNotMet' });
    expect(await read('replaced')).toBe('after');
    expect(stored?.etag).not.toBe(opened?.properties.etag);
  });

  it('keeps what a blob is put with', async () => {
    const settings = {
      contentType: 'application/x-thing',
      contentEncoding: 'gzip',
      cacheControl: 'no-cache',
      metadata: { owner: 'me' },
    };
    await store.put(name('set'), Readable.from([Buffer.from('x')]), settings, LIMITS);
    const opened = await store.open(name('set'));
    await opened?.close();
    expect(opened?.properties).toMatchObject({ name: 'set', contentLength: 1, ...settings });
    expect(Math.abs((opened?.properties.lastModified ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  it('takes empty blobs, and large ones whose length it is not told', async () => {
    expect(await put('empty', '')).toMatchObject({ contentLength: 0 });
    const empty = await store.open(name('empty'));
    await empty?.close();
    expect(empty?.properties.contentLength).toBe(0);
    const chunk = Buffer.alloc(1024 * 1024, 'large');
    const chunks = Array.from({ length: 21 }, () => chunk);
    const limits = { bytesMax: 64 * 1024 * 1024 };
    const stored = await store.put(name('large'), Readable.from(chunks), SETTINGS, limits);
    expect(stored).toMatchObject({ contentLength: 21 * chunk.length });
    const opened = await store.open(name('large'));
    const content = await buffer(
      (await opened?.read(0, 21 * chunk.length - 1)) ?? Readable.from([]),
    );
    expect(content.equals(Buffer.concat(chunks))).toBe(true);
    expect(await read('large', 20 * chunk.length, 20 * chunk.length + 4)).toBe('large');
    await expect(
      store.put(name('large'), Readable.from(chunks), SETTINGS, { ...limits, contentMd5: 'AAAA' }),
    ).rejects.toMatchObject({ code: 'Md5Mismatch' });
    const still = await store.open(name('large'));
    await still?.close();
    expect(still?.properties.etag).toBe(stored?.etag);
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

  it('takes names for names and nothing else, and lists them in order of their bytes', async () => {
    await store.createContainer('contract', 'awkward');
    const at = (blob: string) => ({ account: 'contract', container: 'awkward', blob });
    const keep = (blob: string) =>
      store.put(at(blob), Readable.from([Buffer.from(blob)]), SETTINGS, LIMITS);
    const kept = [...PLAIN];
    for (const blob of PLAIN) await keep(blob);
    // Of `a` and `a/b` a server on a file system forgets one.
    for (const blob of [...(anyPath ? ['a'] : []), ...PATHS, ...RESOLVED]) {
      const mayRefuse = RESOLVED.includes(blob) ? !resolvedNames : !anyPath;
      const stored = await keep(blob).catch((error: unknown) => {
        expect([blob, (error as { code?: unknown }).code]).toEqual([blob, 'InvalidResourceName']);
        expect(mayRefuse).toBe(true);
      });
      if (stored !== undefined) kept.push(blob);
      else expect(await store.open(at(blob))).toBeUndefined();
    }
    if (!resolvedNames) expect(kept.some((blob) => RESOLVED.includes(blob))).toBe(false);
    const listed = await store.list('contract', 'awkward', { prefix: '', marker: '', limit: 5000 });
    const inOrder = [...kept].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(listed?.blobs.map((blob) => blob.name)).toEqual(inOrder);
    for (const blob of kept) {
      const opened = await store.open(at(blob));
      const content = await opened?.read(0, opened.properties.contentLength - 1);
      expect((await buffer(content ?? Readable.from([]))).toString()).toBe(blob);
    }
  });

  it('lists by prefix, page after page, each name once', async () => {
    await store.createContainer('contract', 'pages');
    const all = Array.from({ length: 25 }, (_, at) => `logs/${String(at).padStart(2, '0')}/out`);
    for (const blob of [...all, 'logs.txt', 'other']) {
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

/** What stores keep that have an endpoint of their own. */
export function presignContract(open: () => Promise<ObjectStore>): void {
  const name = { account: 'contract', container: 'signed', blob: 'a b/c+d.txt' };

  it('signs URLs of its own that read or write one blob, and that expire', async () => {
    const store = await open();
    await store.createContainer(name.account, name.container);
    const toWrite = await store.presign?.(name, 'write', 60_000);
    const put = { method: 'PUT', headers: { 'x-ms-blob-type': 'BlockBlob' } };
    const written = await fetch(toWrite ?? '', { ...put, body: 'hello' });
    expect(written.ok).toBe(true);
    const toRead = await store.presign?.(name, 'read', 60_000);
    expect(await (await fetch(toRead ?? '')).text()).toBe('hello');
    const forbidden = await fetch(toRead ?? '', { ...put, body: 'x' });
    const elsewhere = await fetch((toRead ?? '').replace('c%2Bd', 'other'));
    expect([forbidden.status, elsewhere.status]).toEqual([403, 403]);
    const shortLived = await store.presign?.(name, 'read', 1_000);
    await waitFor('the URL to expire', async () => (await fetch(shortLived ?? '')).status === 403);
  });
}
