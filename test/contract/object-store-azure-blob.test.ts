import { afterAll, beforeAll, describe } from 'vitest';
import { AzureBlobStore } from '../../controller/effects/objects/azure-blob/azure-blob-store.js';
import { startAzurite } from '../support/object-servers.js';
import { objectStoreContract, presignContract } from './object-store.js';

describe('the object store in Azure Blob', () => {
  let server: Awaited<ReturnType<typeof startAzurite>>;
  beforeAll(async () => {
    server = await startAzurite();
  });
  afterAll(() => server.stop());
  const open = () => AzureBlobStore.open({ ...server.settings, containerPrefix: 'by-' });
  objectStoreContract(open, { keepsOpened: false, resolvedNames: false });
  presignContract(open);
});
