import * as z from 'zod';
import { anyCase, Thumbprint, ThumbprintAlgorithm } from './common.js';
import { LIMITS } from './limits.js';

const DATA_LENGTH = Math.ceil(LIMITS.certificateBytes / 3) * 4;

export const CertificateAdd = z
  .object({
    thumbprint: Thumbprint,
    thumbprintAlgorithm: ThumbprintAlgorithm,
    /** Base64 of the PFX or CER. */
    data: z
      .string()
      .min(1, 'must not be empty')
      .max(DATA_LENGTH, `must be at most ${LIMITS.certificateBytes} bytes`)
      .regex(/^[A-Za-z0-9+/]+={0,2}$/, 'must be Base64'),
    certificateFormat: anyCase(['pfx', 'cer']).default('pfx'),
    password: z.string().max(1024).optional(),
  })
  .superRefine((certificate, context) => {
    if (certificate.certificateFormat === 'cer' && certificate.password !== undefined)
      context.addIssue({ code: 'custom', path: ['password'], message: 'must be absent for a cer' });
  });
export type CertificateAdd = z.output<typeof CertificateAdd>;

/** What is kept of a Certificate_Add whose data, password and thumbprint have been checked. */
export interface SealedCertificate {
  /** Lower-case hex. */
  thumbprint: string;
  thumbprintAlgorithm: 'sha1';
  format: 'pfx' | 'cer';
  /** Base64 of the certificate's DER. */
  publicData: string;
  /** Sealed `data` (base64 as it came), and the sealed password of a PFX. */
  sealedData: string;
  sealedPassword?: string;
}
