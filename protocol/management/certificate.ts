import * as z from 'zod';
import { CertificateAdd } from '../batch/certificate.js';
import { anyCase } from '../batch/common.js';

/** `{algorithm}-{thumbprint}` */
export const CERTIFICATE_NAME = /^([A-Za-z0-9]+)-([A-Fa-f0-9]{1,40})$/;

/** CertificateCreateOrUpdate; thumbprint and algorithm must agree with the name, where they are given. */
export const CertificateCreate = z.object({
  properties: z.object({
    thumbprintAlgorithm: z.string().optional(),
    thumbprint: z.string().optional(),
    format: anyCase(['Pfx', 'Cer']).default('Pfx'),
    data: CertificateAdd.shape.data,
    password: z.string().max(1024).optional(),
  }),
});
export type CertificateCreate = z.output<typeof CertificateCreate>;
