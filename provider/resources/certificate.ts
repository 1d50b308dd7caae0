import type { CustomResourceOptions, Input, Output } from '@pulumi/pulumi';
import type { ChildArgs } from './connection.js';
import { BatchyardResource } from './resource.js';

export interface SelfSignedArgs {
  /** Subject and issuer, 1 to 64 characters. */
  commonName: Input<string>;
  /** Days that the certificate is valid; default 365. */
  validityDays?: Input<number>;
  /** Size of the RSA key; default 2048. */
  keyBits?: Input<2048 | 3072 | 4096>;
}

export interface CertificateArgs extends ChildArgs {
  /** Base64 of the PFX or CER; secret. Exactly one of `data` and `selfSigned`. A change replaces the certificate. */
  data?: Input<string>;
  /** Opens the PFX; secret. A change replaces the certificate. */
  password?: Input<string>;
  /** What `data` is; default `Pfx`. A change replaces the certificate. */
  format?: Input<'Pfx' | 'Cer'>;
  /** Hex SHA-1; computed where it is not given, else compared with the data. */
  thumbprint?: Input<string>;
  /** Only `sha1`, the default. */
  thumbprintAlgorithm?: Input<'sha1'>;
  /**
   * Makes a key and a self-signed certificate once, when the resource is created; they stay the same until
   * something in here changes, which replaces the certificate.
   */
  selfSigned?: Input<SelfSignedArgs>;
  /**
   * Texts to encrypt for the holders of the certificate (nodes of pools that carry it), by a name of your
   * choice; secret. Changed in place. See `encryptedSecrets`.
   */
  secrets?: Input<Record<string, Input<string>>>;
}

/** A certificate of an account. Nodes of a pool that names it get it before their start task runs. */
export class Certificate extends BatchyardResource {
  declare readonly accountName: Output<string>;
  /** Lower-case hex SHA-1. */
  declare readonly thumbprint: Output<string>;
  /** `sha1` */
  declare readonly thumbprintAlgorithm: Output<string>;
  /** The public part. */
  declare readonly certificatePem: Output<string>;
  /** End of validity, ISO 8601. */
  declare readonly expiryTime: Output<string>;
  /** `Succeeded`, `Deleting`, or `Failed` where a deletion failed. */
  declare readonly provisioningState: Output<string>;
  /**
   * CMS enveloped data (PEM) of each of the `secrets`. On a node:
   * `openssl pkcs12 -in sha1-T.pfx -passin file:sha1-T.pfx.pw -nodes | openssl cms -decrypt -inform PEM -in secret.pem -inkey /dev/stdin`.
   */
  declare readonly encryptedSecrets: Output<Record<string, string>>;
  /** Of a self-signed certificate; secret. */
  declare readonly privateKeyPem: Output<string | undefined>;
  /** Base64 of the PFX of a self-signed certificate; secret. */
  declare readonly pfxData: Output<string | undefined>;
  /** Secret. */
  declare readonly pfxPassword: Output<string | undefined>;

  constructor(name: string, args: CertificateArgs, options?: CustomResourceOptions) {
    super(
      {
        kind: 'certificate',
        className: 'Certificate',
        required: ['accountName'],
        computed: [
          'thumbprint',
          'thumbprintAlgorithm',
          'certificatePem',
          'expiryTime',
          'provisioningState',
          'encryptedSecrets',
          'privateKeyPem',
          'pfxData',
          'pfxPassword',
        ],
        secret: ['data', 'password', 'secrets', 'privateKeyPem', 'pfxData', 'pfxPassword'],
      },
      name,
      args,
      {},
      options,
    );
  }
}
