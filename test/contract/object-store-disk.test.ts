import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { DiskStore } from '../../controller/effects/objects/disk/disk-store.js';
import { tempDirectory } from '../support/temp-dir.js';
import { objectStoreContract } from './object-store.js';

describe('the object store on the disk', () => {
  const folder = tempDirectory('object-store');
  afterAll(folder.remove);
  objectStoreContract(() => DiskStore.open(join(folder.path, 'objects')));

  it('leaves no draft behind', () => {
    expect(readdirSync(join(folder.path, 'objects', '.drafts'))).toEqual([]);
  });
});
