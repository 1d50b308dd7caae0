import { afterAll, beforeAll } from 'vitest';
import { S3Store } from '../../controller/effects/objects/s3/s3-store.js';
import { minioRequirement, startMinio } from '../support/object-servers.js';
import { suite } from '../support/requirements.js';
import { objectStoreContract, presignContract } from './object-store.js';

suite('the object store in S3', [await minioRequirement()], () => {
  let server: Awaited<ReturnType<typeof startMinio>>;
  beforeAll(async () => {
    server = await startMinio();
  });
  afterAll(() => server.stop());
  const open = () => {
    const { accessKeyId, secretAccessKey, ...rest } = server.settings;
    const credentials = { accessKeyId, secretAccessKey };
    return S3Store.open({ ...rest, region: 'us-east-1', forcePathStyle: true, credentials });
  };
  // MinIO keeps keys as paths of a file system.
  objectStoreContract(open, { keepsOpened: false, resolvedNames: false, anyPath: false });
  presignContract(open);
});
