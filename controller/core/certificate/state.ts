import type { AccountKey, CertificateKey } from '../../../protocol/keys.js';

/**
 * active        usable by pools
 * deleting      asked to go; gone once no pool and no node uses it
 * deletefailed  a pool or node still uses it; `deleteCertificateError` names them
 */
export type CertificateState = 'active' | 'deleting' | 'deletefailed';

export interface Certificate {
  readonly key: CertificateKey;
  readonly account: AccountKey;
  readonly thumbprint: string;
  readonly thumbprintAlgorithm: 'sha1';
  format: 'pfx' | 'cer';
  /** Base64 of the public part (DER). */
  publicData: string;
  /** Sealed base64 of the PFX or CER, and the PFX's sealed password. */
  sealedData: string;
  sealedPassword?: string;
  /** How often its data was replaced; absent: never. */
  changes?: number;
  state: CertificateState;
  stateTransitionTime: number;
  previousState?: CertificateState;
  previousStateTransitionTime?: number;
  deleteError?: { code: string; message: string; values: { name: string; value: string }[] };
  creationTime: number;
}
