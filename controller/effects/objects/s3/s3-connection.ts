import type {
  CompleteMultipartUploadCommandOutput,
  PutObjectCommandInput,
  S3,
} from '@aws-sdk/client-s3';

/** Where objects are kept, and as whom; see docs/storage.md. */
export interface S3Settings {
  bucket: string;
  /** In front of every key. */
  prefix: string;
  region: string;
  /** A server that isn't Amazon's. */
  endpoint?: string | undefined;
  /** The bucket in the path instead of the host's name. */
  forcePathStyle: boolean;
  /** Absent: as the AWS clients find them (environment, profile, instance role). */
  credentials?: { accessKeyId: string; secretAccessKey: string } | undefined;
}

/** The official client, reduced to what the store needs of its modules. */
export interface S3Connection {
  s3: S3;
  uploadParts(
    object: PutObjectCommandInput,
    parts: { partSize: number; queueSize: number },
  ): Promise<CompleteMultipartUploadCommandOutput>;
  presign(
    operation: 'read' | 'write',
    object: { Bucket: string; Key: string },
    lifetimeMs: number,
  ): Promise<string>;
}

const CONNECTION_TIMEOUT_MS = 5_000;
const IDLE_TIMEOUT_MS = 60_000;
const ATTEMPTS_MAX = 3;

/** The modules are loaded only here: other controllers need not wait for them. */
export async function connect(settings: S3Settings): Promise<S3Connection> {
  const [{ S3, GetObjectCommand, PutObjectCommand }, { Upload }, { getSignedUrl }] =
    await Promise.all([
      import('@aws-sdk/client-s3'),
      import('@aws-sdk/lib-storage'),
      import('@aws-sdk/s3-request-presigner'),
    ]);
  const { region, endpoint, forcePathStyle, credentials } = settings;
  const s3 = new S3({
    region,
    forcePathStyle,
    maxAttempts: ATTEMPTS_MAX,
    requestHandler: { connectionTimeout: CONNECTION_TIMEOUT_MS, socketTimeout: IDLE_TIMEOUT_MS },
    // Other servers don't know every checksum that Amazon's does.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
  });
  return {
    s3,
    uploadParts: (params, parts) => new Upload({ client: s3, params, ...parts }).done(),
    presign: (operation, object, lifetimeMs) =>
      getSignedUrl(
        s3,
        operation === 'read' ? new GetObjectCommand(object) : new PutObjectCommand(object),
        { expiresIn: Math.max(1, Math.floor(lifetimeMs / 1000)) },
      ),
  };
}
